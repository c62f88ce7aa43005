"""With unchanged settings a replay tells people the very messages that they were told, whatever happened."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from core.events import ActionDecision, Command, Finding, Mode, Severity, Stage, Status, Verb
from core.incidents.policy import Graph, IncidentPolicy
from core.replay.engine import Replayed, replay
from core.settings import Dependency
from core.settings.people import When
from core.settings.response import ActionName, Deed, Maintenance, Playbook
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.services.incidents.kept_decisions import inputs
from tests.support.builders.budget import some
from tests.support.builders.decided import decision_rows
from tests.support.fakes.outside import FINDING, PEOPLE, Setup, set_up

TABLE = "table/flights"
TARGETS = ("model/a", "model/b", "model/c", TABLE, "service/alone")
POLICY = IncidentPolicy(
    graph=Graph([Dependency(target=model, needs=TABLE) for model in TARGETS[:3]]),
    people=PEOPLE,
    playbooks=(
        Playbook(
            name="restart",
            when=When(severity=frozenset({Severity.ERROR, Severity.CRITICAL})),
            do=(Deed(action=ActionName.RESTART_SERVICE),),
            mode=Mode.ACT,
        ),
    ),
    maintenance=(Maintenance(name="backup", targets=(TABLE,), schedule="0 2 * * *", duration=timedelta(hours=1)),),
    url="http://pages",
)
REFUSED = Receipt(DeliveryOutcome.REFUSED, "no such room")
TAKEN = Receipt(DeliveryOutcome.DELIVERED)


def again(setup: Setup, policy: IncidentPolicy) -> Replayed:
    decided = list(setup.world.decided)
    random.Random(1).shuffle(decided)
    return replay(inputs(decision_rows([*decided, *decided[:20]])), policy)


def finding(rng: random.Random, setup: Setup) -> Finding:
    at = setup.world.now - timedelta(minutes=rng.choice((0, 0, 0, 2, 45)))
    return replace(
        FINDING,
        target=rng.choice(TARGETS),
        kind=rng.choice(("drift", "latency")),
        status=rng.choice(tuple(Status)),
        severity=rng.choice(tuple(Severity)),
        observed_at=at,
        holds_until=rng.choice((None, None, at + timedelta(minutes=10))),
        evidence=dict.fromkeys(rng.sample("edcbaf", 5), "0.6"),
    )


def command(rng: random.Random, setup: Setup) -> Command | None:
    known = sorted(setup.world.incidents())
    if not known:
        return None
    verbs = (Verb.ACKNOWLEDGE, Verb.MITIGATE, Verb.RESOLVE, Verb.CANCEL, Verb.REOPEN)
    at = setup.world.now - timedelta(minutes=rng.choice((0, 1, 5)))
    return Command(verb=rng.choice(verbs), subject=rng.choice(known), by="ada", at=at)


def silence(rng: random.Random, setup: Setup) -> Command:
    now, pattern = setup.world.now, rng.choice(("model/*", "*", TABLE))
    if rng.random() < 0.4:
        return Command(verb=Verb.UNSILENCE, subject=pattern, by="bob", at=now)
    return Command(
        verb=Verb.SILENCE, subject=pattern, by="bob", at=now, until=now + timedelta(minutes=rng.randint(1, 90))
    )


def answer(rng: random.Random, setup: Setup) -> ActionDecision | None:
    if not setup.world.asked:
        return None
    asked = rng.choice(setup.world.asked)
    return ActionDecision(
        request_id=asked.id,
        sequence=rng.randint(1, 4),
        incident_id=asked.incident_id,
        action=asked.action,
        target=asked.target,
        mode=asked.mode,
        stage=rng.choice((Stage.APPLIED, Stage.REFUSED, Stage.UNDONE, Stage.VERIFIED)),
        reason="healthy",
        at=setup.world.now,
    )


def flap(rng: random.Random, setup: Setup) -> None:
    """A condition that changes every few seconds."""
    target = rng.choice(TARGETS)
    for number in range(rng.randint(3, 12)):
        setup.world.now += timedelta(seconds=rng.choice((5, 40, 130)))
        status = Status.RESOLVED if number % 2 else Status.FIRING
        setup.give(replace(FINDING, target=target, status=status, severity=Severity.ERROR, observed_at=setup.world.now))


def _nothing(_setup: Setup, _rng: random.Random) -> None:
    pass


def lived(
    seed: int, policy: IncidentPolicy = POLICY, *, before_each: Callable[[Setup, random.Random], None] = _nothing
) -> Setup:
    """What happened in some days: everything that the incident service handles, and sweeps at odd instants.

    Args:
        seed: of the random numbers.
        policy: the policy.
        before_each: what else happens, before each event.
    """
    rng = random.Random(seed)
    setup = set_up(policy=policy)
    for _ in range(rng.randint(20, 60)):
        setup.channels["log"].answer = REFUSED if rng.random() < 0.1 else TAKEN
        setup.world.now += timedelta(seconds=rng.choice((1, 20, 90, 700, 4000, 40_000)))
        before_each(setup, rng)
        make = rng.choice((finding, finding, finding, finding, command, silence, answer))
        event = make(rng, setup)
        if event is not None:
            setup.give(*[event] * rng.choice((1, 1, 2)))
        if rng.random() < 0.15:
            flap(rng, setup)
        for _ in range(rng.choice((0, 1, 1, 3, 20))):
            setup.sweep(seconds=60 + rng.random())
    return setup


def test_a_replay_with_the_same_settings_tells_the_very_messages() -> None:
    kinds: Counter[str] = Counter()
    for seed in some(range(60), 5):
        setup = lived(seed)
        replayed = again(setup, POLICY)
        made = {message.key: message for _, message in replayed.messages}
        assert len(made) == len(replayed.messages)
        told = {message.key: message for message in setup.world.told}
        refused = {one.event_id for one in setup.world.decided if one.event.find('"outcome":"refused"') > 0}
        assert set(made) == set(told) | refused, f"seed {seed}"
        assert {key: made[key] for key in told} == told, f"seed {seed}"
        assert [one.id for one in replayed.requests] == [one.id for one in setup.world.asked], f"seed {seed}"
        instants = {one.event_id: one.published_at for one in setup.world.decided if one.kind == "delivery"}
        assert {message.key: at for at, message in replayed.messages}.items() <= instants.items(), f"seed {seed}"
        assert replayed.skipped == 0
        kinds.update(message.change.value for message in told.values())
    assert set(kinds) >= {"opened", "escalated", "acknowledged", "mitigated", "resolved", "reopened", "updated"}
