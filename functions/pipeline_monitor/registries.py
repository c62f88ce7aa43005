"""Whether the registries of model versions answer: each is checked with every tick, and an outage is a finding.

While one is down no training can register its version there, and versions that somebody else registers are not taken: without the
finding that would look as if nothing had been trained.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, Observation, Outcome, Verdict
from core.errors import ActionError, UnavailableError
from core.events import Severity
from functions.adapters.registries.port import ModelRegistry
from functions.services.detection import Snapshot, Tracker

KIND = "registry_unavailable"
SOURCE = "model_registries"
"""Of the findings: another one than that of pipelines, whose conditions end with their pipelines."""
_HYSTERESIS = Hysteresis(fire_after=3, recover_after=1)
"""A registry that restarts is away for a tick or two; a training waits as long for it."""


class RegistryReason(StrEnum):
    """Reason of a verdict."""

    ANSWERS = "answers"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    REMOVED = "removed"
    """The settings do not have it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChecks:
    """Checks registries.

    Attributes:
        registries: of the settings; opened at the first tick.
        tracker: counts the verdicts, and publishes the findings.
    """

    registries: Callable[[], Sequence[ModelRegistry]]
    tracker: Tracker

    def look(self, at: datetime) -> frozenset[str]:
        """Check every registry, and publish what has changed; idempotent.

        Args:
            at: the instant of the tick.

        Returns:
            The names of those that answer.

        Raises:
            UnavailableError: the store or the bus does not answer.
        """
        known = self.tracker.read(SOURCE)
        faults = {registry.name: _fault(registry) for registry in self.registries()}
        observations = [_observation(name, fault, at) for name, fault in faults.items()]
        for observation in (*observations, *_of_removed(faults.keys(), known, at)):
            self.tracker.record(observation, known)
        self.tracker.publish_unsent(SOURCE)
        return frozenset(name for name, fault in faults.items() if fault is None)


def _fault(registry: ModelRegistry) -> ActionError | UnavailableError | None:
    try:
        registry.check()
    except (ActionError, UnavailableError) as error:
        return error
    return None


def _spec(target: str) -> ConditionSpec:
    runbook = f"pipelines.md#{KIND}"
    return ConditionSpec(target=target, kind=KIND, source=SOURCE, runbook=runbook, hysteresis=_HYSTERESIS)


def _observation(name: str, fault: ActionError | UnavailableError | None, at: datetime) -> Observation:
    reason = RegistryReason.REFUSED if isinstance(fault, ActionError) else RegistryReason.UNAVAILABLE
    verdict = Verdict(
        outcome=Outcome.of(bad=fault is not None),
        reason=RegistryReason.ANSWERS if fault is None else reason,
        summary=f"model registry {name} {'answers' if fault is None else f'cannot be used: {fault}'}",
        severity=Severity.WARNING,
    )
    return Observation(spec=_spec(f"registry/{name}"), verdict=verdict, at=at)


def _of_removed(names: AbstractSet[str], known: Snapshot, at: datetime) -> Iterator[Observation]:
    """Verdicts that end the conditions of registries that the settings do not have any more."""
    for key in known:
        target = key.removesuffix(f":{KIND}")
        name = target.removeprefix("registry/")
        if name not in names:
            summary = f"model registry {name} is not in the settings any more"
            verdict = Verdict(outcome=Outcome.GOOD, reason=RegistryReason.REMOVED, summary=summary)
            yield Observation(spec=_spec(target), verdict=verdict, at=at)
