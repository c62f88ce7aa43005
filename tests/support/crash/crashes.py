"""Stories of an incident in which every program is killed again and again: findings, people, sweeps and actions, by seed.

The router, the sweep and the action runner act on worlds in memory (`tests.support.fakes.outside`, `tests.support.fakes.automation`).
Each delivery may end at any boundary, by a kill or because the outside does not answer; what is not acknowledged comes again.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.actions.guards import TRAITS
from core.errors import BusyError, ConflictError, UnavailableError
from core.events import Command, Finding, Mode, Severity, Tick, Verb
from core.incidents.commands import VERBS, apply_command
from core.incidents.fold import fold
from core.incidents.model import GroupState
from core.settings.people import When
from core.settings.response import ActionName, Automation, Deed, Limits, Playbook
from functions.action_runner.runner import NAME as ACTION_RUNNER
from functions.adapters.actions.registry import Action
from functions.adapters.ports import Store
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.documents import GROUPS
from tests.support.crash.breaking import KilledError
from tests.support.fakes import automation, outside
from tests.support.fakes.outside import LIFE, POLICY, TARGET

DESTRUCTIVE = tuple(name for name in ActionName if TRAITS[name].destructive)
_PLAYBOOK = Playbook(
    name="take away what is bad",
    when=When(severity=frozenset({Severity.WARNING, Severity.ERROR, Severity.CRITICAL})),
    do=tuple(Deed(action=name) for name in DESTRUCTIVE),
    mode=Mode.ACT,
)
_FREE = Limits(cooldown=timedelta(0), per_hour=100, approval=False)
_AUTOMATION = Automation(per_hour=100, limits=dict.fromkeys(DESTRUCTIVE, _FREE))
_COMMANDS = (*sorted(VERBS - {Verb.CANCEL, Verb.REOPEN, Verb.MERGE}), Verb.SILENCE, Verb.UNSILENCE)
Spoil = Callable[[automation.MemoryAction], Action]
_ATTEMPTS = 80
_FAILED = (UnavailableError, BusyError, ConflictError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a story.

    Attributes:
        kills: how often a program was killed.
        faults: how often a delivery failed otherwise.
        effects: changes, messages and requests that were made.
        repeated: of them, those that were made again, because a program died before it knew that they were made.
        lost: what should have happened and did not, in words.
        doubled: what happened again without that excuse, in words.
        applied: destructive actions that were applied.
        reapplied: calls of them that were repeated with the same key.
    """

    kills: int
    faults: int
    effects: int
    repeated: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    applied: int
    reapplied: int


@dataclass(slots=True)
class _Story:
    rng: random.Random
    group: outside.Setup
    runner: automation.Setup
    breaks: bool = True
    kills: int = 0
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    delivered: int = 0

    def attempt(self, act: Callable[[], object]) -> bool:
        """Whether it was done; a program that was killed is started again for the next attempt."""
        self.group.world.dead = self.runner.world.dead = False
        try:
            act()
        except KilledError:
            self.kills += 1
            return False
        except _FAILED:
            self.faults += 1
            return False
        return True

    def insist(self, act: Callable[[], object], what: str) -> None:
        """As Pub/Sub does: what fails comes again, later."""
        for _ in range(_ATTEMPTS):
            if self.attempt(act):
                return
            self.pass_time(LEASE)
        raise AssertionError(f"{what} is never acknowledged")

    def pass_time(self, span: timedelta) -> None:
        self.group.world.now += span
        self.runner.world.now = self.group.world.now

    def threaten(self) -> None:
        """Let the next delivery end somewhere, perhaps."""
        if not self.breaks:
            return
        for world in (self.group.world, self.runner.world):
            world.kill_at = world.boundaries + self.rng.randint(1, 90)

    def hear(self) -> None:
        """Let the action runner hear of the requests that were published, also of those that were published twice."""
        asked = self.group.world.asked
        while self.delivered < len(asked):
            request = asked[self.delivered]
            self.delivered += 1
            self.insist(lambda request=request: self.runner.give(request), request.id)  # type: ignore[misc] # bound now

    def sweep(self) -> bool:
        self.pass_time(timedelta(minutes=1))
        return self.attempt(self.group.sweep)

    def tick(self) -> bool:
        tick = Tick(job=ACTION_RUNNER, scheduled_at=self.runner.world.now)
        return self.attempt(lambda: self.runner.give(tick))


def tell(
    seed: int,
    *,
    breaks: bool = True,
    spoil: Spoil = lambda action: action,
    kept: Callable[[outside.World], Store] | None = None,
) -> Outcome:
    """Let a story happen, to its end, and judge it.

    Args:
        seed: says which story.
        breaks: whether programs are killed and the outside fails.
        spoil: puts something else in the place of the action, to see whether the judgement notices.
        kept: makes the store of the incidents, which tells their world of what it writes; else it is in memory.
    """
    story = _begin(seed, spoil, kept, breaks=breaks)
    for event in _events(story):
        story.threaten()
        if story.rng.random() < 0.3:
            story.sweep()
        act = _giving(story, event)
        if story.rng.random() < 0.5:
            story.insist(act, str(event))
        else:
            story.attempt(act)
        story.hear()
        if story.rng.random() < 0.2:
            story.tick()
    _end(story)
    return _judged(story)


def _begin(seed: int, spoil: Spoil, kept: Callable[[outside.World], Store] | None, *, breaks: bool) -> _Story:
    rng = random.Random(seed)
    group = outside.set_up(policy=replace(POLICY, playbooks=(_PLAYBOOK,)), kept=kept)
    runner = automation.set_up(automation=_AUTOMATION)
    runner.world.now = group.world.now
    runner.runner = replace(runner.runner, actions=dict.fromkeys(ActionName, spoil(runner.action)))
    if breaks:
        group.world.chance = runner.world.chance = rng.random
    return _Story(rng, group, runner, breaks)


def _events(story: _Story) -> Iterator[Finding | Command]:
    """Findings in any order, some twice, and what people say meanwhile."""
    chosen = story.rng.sample(LIFE, k=story.rng.randint(1, len(LIFE)))
    events = chosen + story.rng.choices(chosen, k=story.rng.randint(0, 4))
    story.rng.shuffle(events)
    story.findings = chosen
    for finding in events:
        yield finding
        if story.rng.random() < 0.3 and (command := _said(story)):
            story.commands.append(command)
            yield command


def _said(story: _Story) -> Command | None:
    found = story.group.world.documents.get((GROUPS, TARGET))
    state = story.group.world.group().state if found else GroupState(name=TARGET)
    if not state.incidents:
        return None
    at, verb = story.group.world.now, story.rng.choice(_COMMANDS)
    told = Command(verb=verb, subject=state.incidents[-1].id, by=story.rng.choice(("ada", "bob")), at=at, note="why")
    if verb is Verb.SILENCE:
        return replace(told, subject="model/*", until=at + timedelta(minutes=story.rng.randint(1, 10)))
    return replace(told, subject="model/*") if verb is Verb.UNSILENCE else told


def _giving(story: _Story, event: Finding | Command) -> Callable[[], None]:
    return lambda: story.group.give(event)


def _end(story: _Story) -> None:
    """Everything comes again until it is acknowledged; then nothing breaks any more, and time passes."""
    story.group.world.kill_at = story.runner.world.kill_at = 0
    events: tuple[Finding | Command, ...] = (*story.findings, *story.commands)
    for event in events:
        story.insist(_giving(story, event), str(event))
    story.group.world.chance = story.runner.world.chance = lambda: 1.0
    for _ in range(20):
        assert story.sweep()
        story.hear()
        assert story.tick()


def _judged(story: _Story) -> Outcome:
    performed, action = story.group.world.performed(), story.runner.action
    repeated = performed.total() - len(performed)
    return Outcome(
        kills=story.kills,
        faults=story.faults,
        effects=len(performed),
        repeated=repeated,
        lost=tuple(_lost(story)),
        doubled=tuple(_doubled(story)),
        applied=len(set(action.changed)),
        reapplied=len(action.calls) - len(set(action.calls)),
    )


def _lost(story: _Story) -> Iterator[str]:
    if (GROUPS, TARGET) in story.group.world.documents:
        yield from _forgotten(story)
        yield from _unsaid(story.group.world)
    cases = {case.request.id: case for case in story.runner.cases()}
    for request in story.group.world.asked:
        if request.id not in cases or not cases[request.id].over:
            yield f"asked: {request.id}"
    automation.assert_told_in_full(story.runner)


def _forgotten(story: _Story) -> Iterator[str]:
    """What was acknowledged, and is not remembered."""
    state = story.group.world.group().state
    if _facts(state) != _facts(_expected(story)):
        yield f"conditions: {_facts(state)}"
    for command in story.commands:
        decision = apply_command(state, command)
        # What nobody has was given back, whether that is written or arrived when the incident was over.
        given_back = command.verb is Verb.GIVE_BACK and _owners(decision.state) == _owners(state)
        if decision.changes and not given_back and not _written(story, command):
            yield f"said: {command.id}"


def _owners(state: GroupState) -> list[str]:
    return [incident.acknowledged_by for incident in state.incidents]


def _unsaid(world: outside.World) -> Iterator[str]:
    """What was decided and saved, and did not happen."""
    group, performed = world.group(), world.performed()
    yield from (f"still pending: {effect.key}" for effect in group.pending)
    for key in world.promised - set(performed):
        if not outside._said_later(key, performed):
            yield f"promised: {key}"
    for name, copy in world.incidents().items():
        published = {change.sequence for change in world.published if change.incident_id == name}
        if published != set(range(1, copy["sequence"] + 1)):
            yield f"steps of {name}: {sorted(published)} of {copy['sequence']}"


def _doubled(story: _Story) -> Iterator[str]:
    world = story.group.world
    for key, times in world.performed().items():
        if times > 1 and key not in world.excused:
            yield f"performed {times} times: {key}"
    for key, times in story.runner.world.unexcused().items():
        if times > 1:
            yield f"applied {times} times without an excuse: {key}"
    for command in story.commands:
        if len(_written(story, command)) > 1:
            yield f"written twice: {command.id}"


def _written(story: _Story, command: Command) -> set[tuple[str, int]]:
    """The steps of incidents that a command caused."""
    return {(one.incident_id, one.sequence) for one in story.group.world.published if one.finding_id == command.id}


def _expected(story: _Story) -> GroupState:
    state: GroupState | None = None
    for finding in sorted(story.findings, key=lambda finding: finding.observed_at):
        state = fold(state, finding, now=story.group.world.now, policy=POLICY).state
    return state or GroupState(name=TARGET)


def _facts(state: GroupState) -> object:
    return [(one.key, one.status, one.severity, one.observed_at, one.history) for one in state.conditions]
