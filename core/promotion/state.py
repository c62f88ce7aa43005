"""State of the promotion of a challenger, and which version has which alias and traffic in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from core.versions import AliasName
from core.versions.alias import WHOLE


class PromotionStage(StrEnum):
    """How far a challenger has come."""

    COMPARISON = "comparison"
    """It is compared with the champion, look by look."""
    APPROVAL = "approval"
    """It is better, and a person has to promote it."""
    STEP = "step"
    """It has a part of the traffic, and is watched."""
    WATCH = "watch"
    """It is the champion, and still watched."""
    PROMOTED = "promoted"
    REJECTED = "rejected"
    STOPPED = "stopped"
    """The comparison was ended at once: a guard rail is broken, or units are not assigned as planned."""
    ROLLED_BACK = "rolled back"
    REPLACED = "replaced"
    """Another version became the champion, whoever changed it."""


OPEN = frozenset({PromotionStage.COMPARISON, PromotionStage.APPROVAL, PromotionStage.STEP, PromotionStage.WATCH})
"""The stages that something follows."""
COMPARED = frozenset({PromotionStage.COMPARISON, PromotionStage.APPROVAL})
"""The stages in which a newer version takes the challenger's place."""
SWITCHED = frozenset({PromotionStage.WATCH, PromotionStage.PROMOTED})
"""The stages in which the challenger has become the champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The split of traffic from an instant on; `share` is that of the challenger, in per cent."""

    at: datetime
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionState:
    """State of the promotion of one version of a model.

    Attributes:
        model: as the settings name it.
        champion: the version that was in use when it began, to which a rollback leads.
        challenger: the version that may replace it.
        stage: how far it has come.
        share: traffic of the challenger, in per cent.
        began_at: when the comparison began; only later data count.
        changed_at: when stage or share changed last; strictly later with each change.
        splits: of the traffic, oldest first.
        by: who or what changed it last.
        why: the reason of the last change.
        looked_at: instant of the newest look, or None.
        since: predictions from then on are compared, where a pipeline scores them; else those since it began.
        scored_until: up to when, exclusive, a pipeline has had the challenger score; None before.
        scoring_until: the same of the job that runs now, or None.
        commands: the ids of the newest commands of people that were carried out.
    """

    model: str
    champion: str
    challenger: str
    stage: PromotionStage
    share: int
    began_at: datetime
    changed_at: datetime
    splits: tuple[Split, ...]
    by: str
    why: str
    looked_at: datetime | None = None
    since: datetime | None = None
    scored_until: datetime | None = None
    scoring_until: datetime | None = None
    commands: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether something follows."""
        return self.stage in OPEN

    @property
    def compared_from(self) -> datetime:
        """From when on predictions are compared."""
        return self.since or self.began_at

    @property
    def experiment(self) -> str:
        """The id of the comparison."""
        return f"{self.model}:{self.challenger}:{self.began_at:%Y%m%dT%H%M%S}"


def in_place(state: PromotionState, at: datetime) -> PromotionState:
    """The state once the traffic is as it says: a step is watched, and its data count, from then on."""
    if at <= state.changed_at:
        return state
    newest = state.splits[-1]
    moved = newest.at == state.changed_at
    splits = (*state.splits[:-1], replace(newest, at=at)) if moved else state.splits
    return replace(state, changed_at=at, splits=splits)


class Holder(NamedTuple):
    """The version that has an alias, or None, and its share of the traffic in per cent."""

    version: str | None
    share: float


def holders(state: PromotionState) -> Mapping[AliasName, Holder]:
    """Which version has which alias; the shares sum to 100.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 2, tzinfo=UTC)
    >>> step = PromotionState(
    ...     model="churn", champion="7", challenger="8", stage=PromotionStage.STEP, share=5, began_at=at, changed_at=at,
    ...     splits=(), by="promotion", why="better"
    ... )
    >>> [tuple(holder) for holder in holders(step).values()]
    [('7', 95.0), ('8', 5.0)]
    """
    if state.stage in SWITCHED:
        return _of(state.challenger, None, 0)
    if state.is_open:
        return _of(state.champion, state.challenger, state.share)
    return _of(state.champion, None, 0)


def _of(champion: str, challenger: str | None, share: int) -> Mapping[AliasName, Holder]:
    return {AliasName.CHAMPION: Holder(champion, WHOLE - share), AliasName.CHALLENGER: Holder(challenger, float(share))}
