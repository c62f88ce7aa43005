"""The steps of a promotion: each a pure function of the state before, which says what follows and why.

comparison --better--> (approval --a person-->) step 5 % --watched--> step 25 % --watched--> watch at 100 % --watched--> promoted
comparison --worse, or not shown--> rejected;  --guard rail broken, sample ratio mismatch--> stopped
step, watch --guard rail broken, worse, incident--> rolled back;  any --a person--> rolled back

A newer version takes the place of a challenger that is still compared; one that has traffic is not disturbed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import RefusedError
from core.events import Command
from core.experiments import Action, Decision, Reason
from core.promotion.state import COMPARED, OPEN, Holder, PromotionStage, PromotionState, Split, holders
from core.promotion.traffic import TrafficMove, shares_of
from core.settings import Mode, Promotion
from core.settings.promotion import ALL_TRAFFIC
from core.text import number
from core.versions import AliasChange, AliasName
from core.versions.alias import WHOLE

BY = "promotion"
"""Who changes aliases without a person."""
KEPT_COMMANDS = 20
LEAST = timedelta(seconds=1)
"""Between two changes, so that their order is that of their instants."""
_BAD_SIGNS = frozenset({Reason.SAMPLE_RATIO_MISMATCH, Reason.GUARD_RAIL_BROKEN, Reason.WORSE})
"""The reasons for which a challenger with traffic is rolled back; that nothing more is shown is none."""
_ENDS = {Action.REJECT: PromotionStage.REJECTED, Action.STOP: PromotionStage.STOPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A version that is to replace the one in use.

    Attributes:
        model: as the settings name it.
        champion: the version in use.
        version: that is to replace it.
        unseen_from: predictions from then on neither trained nor chose it, and the champion answered; None where it is not known.
    """

    model: str
    champion: str
    version: str
    unseen_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A state, and the changes of aliases that lead to it; `move` where the traffic of versions changes as well."""

    state: PromotionState
    changes: tuple[AliasChange, ...] = ()
    move: TrafficMove | None = None


def begin(before: PromotionState | None, entrant: Entrant, policy: Promotion, at: datetime) -> Transition:
    """Compare a registered version with the champion; it takes the place of a challenger that is still compared."""
    share = policy.share if policy.mode is Mode.AB else 0
    why = f"version {entrant.version} is registered: compared with version {entrant.champion}"
    if before and before.stage in COMPARED:
        why = f"version {entrant.version} takes the place of version {before.challenger}, which is compared no longer"
    state = _entered(before, entrant, PromotionStage.COMPARISON, share, at, why=why)
    since = entrant.unseen_from if policy.scoring else None
    return _transition(_held(before, entrant), replace(state, since=since))


def decided(state: PromotionState, decision: Decision, policy: Promotion, at: datetime) -> Transition:
    """What follows from a look at a comparison.

    Args:
        state: in the stage `comparison`.
        decision: of the look.
        policy: of the model.
        at: instant of the look.
    """
    looked = replace(state, looked_at=at)
    if decision.action is Action.CONTINUE:
        return Transition(state=looked)
    why = f"version {state.challenger}: {outcome_text(decision)}"
    if decision.action is not Action.PROMOTE:
        after = _moved(looked, _ENDS[decision.action], 0, at, why=why)
    elif policy.auto:
        after = _advanced(looked, policy, at, why=why)
    else:
        after = _moved(looked, PromotionStage.APPROVAL, state.share, at, why=f"{why}; a person has to promote it")
    return _transition(holders(state), after)


def watched(
    state: PromotionState, decision: Decision | None, incidents: Sequence[str], policy: Promotion, at: datetime
) -> Transition:
    """What follows from watching a challenger that has traffic: rolled back, the next step, or nothing yet.

    Args:
        state: in the stage `step` or `watch`.
        decision: of a look, or None where none was due.
        incidents: of the model at error or critical, that opened since the step began.
        policy: of the model.
        at: instant of watching.
    """
    looked = replace(state, looked_at=at) if decision else state
    if sign := _bad_sign(decision, incidents):
        after = _moved(looked, PromotionStage.ROLLED_BACK, 0, at, why=f"version {state.challenger}: {sign}")
    elif at - state.changed_at < policy.watch:
        return Transition(state=looked)
    else:
        after = _advanced(looked, policy, at, why=f"version {state.challenger}: nothing bad at {state.share}%")
    return _transition(holders(state), after)


def overtaken(state: PromotionState, champion: str, at: datetime) -> Transition:
    """Somebody else made another version the champion: the promotion is about a version that is no longer in use.

    Args:
        state: open.
        champion: the version in use.
        at: instant of noticing it.
    """
    held = {**holders(state), AliasName.CHAMPION: Holder(champion, WHOLE)}
    why = f"version {champion} became the champion"
    after = _moved(replace(state, champion=champion), PromotionStage.REPLACED, 0, at, why=why)
    return _transition(held, after)


def promoted_by_person(
    state: PromotionState | None, entrant: Entrant, policy: Promotion | None, command: Command
) -> Transition:
    """A person promotes: the first step, or the next one; without a policy, all traffic at once.

    Args:
        state: of the newest promotion, or None.
        entrant: the version that is to be promoted; another one than the challenger begins anew.
        policy: of the model, or None.
        command: of the person.

    Raises:
        RefusedError: the version is in use already.
    """
    if state and command.id in state.commands:
        return Transition(state=state)
    held = _held(state, entrant)
    if state is None or not state.is_open or entrant.version != state.challenger:
        if entrant.version == held[AliasName.CHAMPION].version:
            raise RefusedError(f"version: must be another one than {entrant.version}, which is in use")
        state = _entered(state, entrant, PromotionStage.APPROVAL, 0, command.at, why=command.note)
    after = _advanced(state, policy, command.at, why=_note(command))
    return _transition(held, _with(after, command))


def rolled_back_by_person(state: PromotionState | None, former: Entrant | None, command: Command) -> Transition:
    """A person rolls back: all traffic to the version that was in use before the challenger, or before the one in use.

    Args:
        state: of the newest promotion, or None.
        former: the version in use as `champion`, and the one before it as `version`; None where there is none before.
        command: of the person.

    Raises:
        RefusedError: no other version was in use before.
    """
    if state and command.id in state.commands:
        return Transition(state=state)
    if state is None or not (state.is_open or state.stage is PromotionStage.PROMOTED):
        if former is None:
            raise RefusedError(f"rollback: no version of {command.subject} was in use before the one that is")
        state = _entered(state, swapped(former), PromotionStage.PROMOTED, ALL_TRAFFIC, command.at, why=command.note)
    held = holders(state)
    after = _moved(state, PromotionStage.ROLLED_BACK, 0, command.at, why=_note(command))
    return _transition(held, _with(after, command))


def swapped(former: Entrant) -> Entrant:
    """The version in use as the entrant, and the one before it as the champion."""
    return replace(former, champion=former.version, version=former.champion)


def outcome_text(decision: Decision) -> str:
    """Why, with the numbers, in one line.

    >>> from core.experiments import Evidence
    >>> outcome_text(
    ...     Decision(
    ...         reason=Reason.WORSE, n=2000, measure=Evidence(n=2000, advantage=-0.02, low=-0.035, high=-0.005),
    ...         guard_rails={}, blocking=(), sample_ratio_p=1.0,
    ...     )
    ... )
    'worse, advantage -0.02 (-0.035 to -0.005), 2,000 units'
    """
    found = decision.measure
    parts = [decision.reason.replace("_", " ")]
    if decision.blocking:
        parts[0] += f" ({', '.join(decision.blocking)})"
    if found.advantage is not None:
        ends = " to ".join(number(end) for end in (found.low, found.high) if end is not None)
        parts.append(f"advantage {number(found.advantage)} ({ends})")
    return ", ".join([*parts, f"{decision.n:,} units"])


def _bad_sign(decision: Decision | None, incidents: Sequence[str]) -> str:
    """Why a challenger with traffic is rolled back, or empty."""
    if incidents:
        return f"incident {', '.join(incidents)}"
    return outcome_text(decision) if decision and decision.reason in _BAD_SIGNS else ""


def _advanced(state: PromotionState, policy: Promotion | None, at: datetime, *, why: str) -> PromotionState:
    """The state at the next step; with all traffic the challenger is the champion."""
    if state.stage is PromotionStage.WATCH or (policy is None and state.stage in OPEN):
        return _moved(state, PromotionStage.PROMOTED, ALL_TRAFFIC, at, why=why)
    share = next((step for step in policy.steps if step > state.share), ALL_TRAFFIC) if policy else ALL_TRAFFIC
    stage = PromotionStage.WATCH if share == ALL_TRAFFIC else PromotionStage.STEP
    return _moved(state, stage, share, at, why=f"{why}; {share}% of the traffic")


def _entered(
    before: PromotionState | None, entrant: Entrant, stage: PromotionStage, share: int, at: datetime, *, why: str
) -> PromotionState:
    """The state of another version, after that of the one before it."""
    at = max(at, before.changed_at + LEAST) if before else at
    return PromotionState(
        model=entrant.model,
        champion=entrant.champion,
        challenger=entrant.version,
        stage=stage,
        share=share,
        began_at=at,
        changed_at=at,
        splits=(Split(at=at, share=share),),
        by=BY,
        why=why,
        commands=before.commands if before else (),
    )


def _moved(state: PromotionState, stage: PromotionStage, share: int, at: datetime, *, why: str) -> PromotionState:
    at = max(at, state.changed_at + LEAST)
    splits = state.splits if share == state.share else (*state.splits, Split(at=at, share=share))
    return replace(state, stage=stage, share=share, changed_at=at, splits=splits, by=BY, why=why)


def _held(before: PromotionState | None, entrant: Entrant) -> Mapping[AliasName, Holder]:
    """Who has which alias before a version enters."""
    if before and before.is_open:
        return holders(before)
    return {AliasName.CHAMPION: Holder(entrant.champion, WHOLE), AliasName.CHALLENGER: Holder(None, 0)}


def _transition(held: Mapping[AliasName, Holder], after: PromotionState) -> Transition:
    """The state, with a change of each alias whose holder differs; of whose version it is about where none does."""
    wanted = holders(after)
    move = TrafficMove(before=shares_of(held), after=shares_of(wanted), forward=after.challenger in shares_of(wanted))
    changed = {alias: holder for alias, holder in wanted.items() if holder != held[alias]}
    if not changed:
        alias = AliasName.CHALLENGER if wanted[AliasName.CHALLENGER].version else AliasName.CHAMPION
        changed = {alias: wanted[alias]}
    return Transition(
        state=after,
        changes=tuple(
            AliasChange(
                model=after.model,
                alias=alias,
                version=holder.version,
                share=holder.share,
                stage=after.stage.value,
                changed_at=after.changed_at,
                changed_by=after.by,
                why=after.why,
            )
            for alias, holder in changed.items()
        ),
        move=move if move.before != move.after else None,
    )


def _with(state: PromotionState, command: Command) -> PromotionState:
    return replace(state, by=f"person:{command.by}", commands=(*state.commands, command.id)[-KEPT_COMMANDS:])


def _note(command: Command) -> str:
    return command.note or f"{command.verb.replace('_', ' ')} by {command.by}"
