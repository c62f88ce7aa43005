"""Time passes: nobody acknowledges, what was muted or held is told, what waits is sent, and what nobody repeats is over."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from core.errors import LimitedError, UnavailableError
from core.events import ActionDecision, Change, Mode, Severity, Stage, Status, Tick, Verb
from core.incidents.model import State
from core.incidents.policy import Graph
from core.settings import Dependency
from functions.incident_sweep.sweep import Sweeper, sweep
from functions.services.incidents.documents import GROUPS, INCIDENTS
from tests.support.fakes.outside import POLICY, TARGET, Setup, found, set_up

ERROR = Severity.ERROR
NEW = ("reopened_at", "acknowledgements", "loss", "loss_low", "loss_high", "loss_until", "acted_at", "healed_at")
"""What older versions did not write of an incident."""


@pytest.fixture
def setup() -> Setup:
    return set_up()


def told(setup: Setup, channel: str) -> list[str]:
    return [message.change.value for message in setup.world.told if message.channel == channel]


def now(setup: Setup, status: Status = Status.FIRING, severity: Severity = ERROR, **fields: object) -> None:
    at = setup.world.now
    setup.give(replace(found(0, status, severity), observed_at=at, **fields))  # type: ignore[arg-type]  # any field


def test_the_next_tier_is_told_when_nobody_acknowledges_and_reminded_every_hour(setup: Setup) -> None:
    now(setup)
    setup.sweep(minutes=4)
    assert told(setup, "pager") == []
    setup.sweep(minutes=1)
    assert told(setup, "pager") == ["escalated"]
    for _ in range(61):
        setup.sweep(minutes=1)
    assert told(setup, "pager") == ["escalated", "updated"]
    reasons = [entry.reason.value for entry in setup.incident().timeline]
    assert reasons == ["first_firing", "notified", "not_acknowledged", "reminder", "reminder"]
    assert told(setup, "inbox") == ["opened"]


def test_an_acknowledgement_stops_everything_also_for_another_instance(setup: Setup) -> None:
    now(setup)
    setup.command(Verb.ACKNOWLEDGE, note="looking")
    assert told(setup, "inbox") == ["opened", "acknowledged"]
    for _ in range(200):
        setup.sweep(minutes=1)
    assert told(setup, "pager") == []
    assert (setup.incident().state, setup.incident().acknowledged_by) == (State.ACKNOWLEDGED, "ada")
    assert setup.world.gauges["aia_incidents_unacknowledged", "error"] == 0
    assert setup.world.gauges["aia_incidents_open", "error"] == 1
    assert (setup.incident().impact, setup.world.gauges[("aia_incidents_impact_unknown",)]) == (None, 1)


def test_a_warning_goes_no_further_than_the_first_tier(setup: Setup) -> None:
    now(setup, severity=Severity.WARNING)
    setup.sweep(hours=3)
    assert told(setup, "pager") == []


def test_a_silence_keeps_quiet_and_what_still_fires_when_it_ends_is_told_once(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    assert setup.world.told == []
    for _ in range(35):
        setup.sweep(minutes=1)
    assert told(setup, "inbox") == ["opened"]
    assert [entry.reason.value for entry in setup.incident().timeline][:2] == ["first_firing", "muted"]


def test_what_was_over_before_a_silence_ended_is_never_told(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    setup.world.now += timedelta(minutes=5)
    now(setup, Status.RESOLVED)
    for _ in range(40):
        setup.sweep(minutes=1)
    assert setup.world.told == []


def test_a_silence_that_is_taken_back_ends_at_once(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.UNSILENCE, subject="model/*")
    setup.sweep(minutes=1)
    assert told(setup, "inbox") == ["opened"]


def test_fifteen_flaps_in_thirty_seconds_are_two_messages_and_the_first_is_at_once(setup: Setup) -> None:
    for flap in range(15):
        now(setup, Status.RESOLVED if flap % 2 else Status.FIRING)
        if flap == 0:
            assert told(setup, "inbox") == ["opened"]
        setup.world.now += timedelta(seconds=2)
    now(setup, Status.RESOLVED)
    assert told(setup, "inbox") == ["opened"]
    for _ in range(10):
        setup.sweep(minutes=1)
    assert told(setup, "inbox") == ["opened", "resolved"]
    assert setup.world.group().active is False


def test_what_a_limit_held_back_is_sent_when_it_allows(setup: Setup) -> None:
    setup.channels["inbox"].fault = LimitedError("channel inbox: 60 a minute", setup.world.now + timedelta(seconds=20))
    now(setup)
    assert told(setup, "log") == ["opened"]
    setup.channels["inbox"].fault = None
    setup.sweep(seconds=30)
    assert told(setup, "inbox") == ["opened"]
    assert setup.world.group().pending == ()
    assert setup.world.gauges["aia_notifications_waiting", "inbox"] == 0


def test_fired_and_resolved_while_limited_is_one_message(setup: Setup) -> None:
    setup.channels["inbox"].fault = LimitedError("channel inbox: wait", setup.world.now + timedelta(hours=1))
    now(setup)
    setup.world.now += timedelta(minutes=5)
    now(setup, Status.RESOLVED)
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    (message,) = [message for message in setup.world.told if message.channel == "inbox"]
    assert (message.change, message.missed) == (Change.RESOLVED, True)


def test_a_dead_channel_is_a_finding_and_its_recovery_another(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError):
        now(setup)
    for _ in range(3):
        setup.sweep(minutes=1)
    assert [(one.target, one.status) for one in setup.world.found] == [("channel/inbox", Status.FIRING)]
    assert setup.world.gauges["aia_notifications_waiting", "inbox"] == 1
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING, Status.RESOLVED]
    assert told(setup, "inbox") == ["opened"]


def test_what_its_source_does_not_repeat_is_over(setup: Setup) -> None:
    now(setup, holds_until=setup.world.now + timedelta(minutes=4))
    setup.sweep(minutes=3)
    assert setup.incident().state is State.OPEN
    setup.sweep(minutes=2)
    assert setup.incident().state is State.RESOLVED
    assert [entry.reason.value for entry in setup.incident().timeline][-2:] == ["not_repeated", "notified"]


def test_what_nothing_is_heard_of_for_two_weeks_is_over(setup: Setup) -> None:
    now(setup)
    setup.command(Verb.ACKNOWLEDGE)
    setup.sweep(days=15)
    assert setup.incident().state is State.RESOLVED


def test_times_to_acknowledge_and_to_resolve_are_measured(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    now(setup)
    setup.world.now += timedelta(minutes=4)
    setup.command(Verb.ACKNOWLEDGE)
    setup.world.now += timedelta(minutes=6)
    now(setup, Status.RESOLVED)
    setup.sweep(minutes=50)
    assert setup.world.gauges["aia_incident_mtta_seconds", "error"] == 240
    assert setup.world.gauges["aia_incident_mttr_seconds", "error"] == 600


def endings(setup: Setup) -> dict[str, tuple[float, float | None]]:
    """The number of incidents by what ended them, and their mean time to resolve."""
    gauges = setup.world.gauges
    names = ("action", "people", "itself", "unknown")
    return {
        one: (gauges["aia_incidents_ended", one], gauges.get(("aia_incident_mttr_by_ending_seconds", one)))
        for one in names
    }


def told_of_action(setup: Setup, stage: Stage, reason: str, sequence: int, *, times: int = 1) -> None:
    decision = ActionDecision(
        request_id="r",
        sequence=sequence,
        incident_id=setup.incident().id,
        action="restart_service",
        target=TARGET,
        mode=Mode.ACT,
        stage=stage,
        reason=reason,
        at=setup.world.now,
    )
    setup.give(*[decision] * times)


def test_what_an_action_healed_is_measured_apart_until_it_comes_back(setup: Setup) -> None:
    setup.world.now = start = setup.world.now.replace(minute=0)
    now(setup)
    setup.world.now = start + timedelta(minutes=2)
    told_of_action(setup, Stage.APPLIED, "done", 3, times=2)
    setup.world.now = start + timedelta(minutes=8)
    now(setup, Status.RESOLVED)
    setup.sweep(minutes=2)
    assert endings(setup) == {"action": (0, None), "people": (0, None), "itself": (0, None), "unknown": (1, 480)}
    told_of_action(setup, Stage.VERIFIED, "recovered", 4, times=2)
    setup.sweep(minutes=5)
    assert endings(setup)["action"] == (1, 480)
    assert endings(setup)["unknown"][0] == 0
    setup.world.now = start + timedelta(minutes=16)
    now(setup)
    setup.world.now = start + timedelta(minutes=18)
    now(setup, Status.RESOLVED)
    setup.sweep(minutes=2)
    assert [count for count, _ in endings(setup).values()] == [0, 0, 0, 1], "what the action did, did not last"


@pytest.mark.parametrize(
    ("verb", "by"), [(None, "itself"), (Verb.ACKNOWLEDGE, "people"), (Verb.RESOLVE, "people"), (Verb.CANCEL, None)]
)
def test_what_people_had_or_resolved_is_measured_apart(setup: Setup, verb: Verb | None, by: str | None) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    now(setup)
    setup.world.now += timedelta(minutes=5)
    if verb:
        setup.command(verb)
    now(setup, Status.RESOLVED)
    setup.sweep(minutes=5)
    assert {one: found for one, found in endings(setup).items() if found != (0, None)} == ({by: (1, 300)} if by else {})


def test_what_expired_was_not_resolved_by_anything(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    now(setup, holds_until=setup.world.now + timedelta(minutes=4))
    setup.sweep(minutes=5)
    setup.sweep(minutes=5)
    assert [count for count, _ in endings(setup).values()] == [0, 0, 0, 0]


def test_an_acknowledgement_since_the_instant_of_the_tick_is_measured(setup: Setup) -> None:
    start = setup.world.now = setup.world.now.replace(minute=0)
    now(setup)
    setup.world.now += timedelta(minutes=3)
    setup.command(Verb.ACKNOWLEDGE)
    setup.world.now += timedelta(seconds=20)
    sweep(Sweeper(service=setup.service), Tick(job="incident_sweep", scheduled_at=start))
    assert setup.world.gauges["aia_incident_mtta_seconds", "error"] == 180


def test_how_long_nobody_has_taken_care_is_measured_until_somebody_does(setup: Setup) -> None:
    now(setup)
    setup.sweep(minutes=3)
    assert setup.world.gauges["aia_incident_waiting_seconds", "error"] == 180
    assert setup.world.gauges["aia_incident_waiting_seconds", "critical"] == 0
    setup.command(Verb.ACKNOWLEDGE)
    setup.sweep(minutes=1)
    assert setup.world.gauges["aia_incident_waiting_seconds", "error"] == 0


def test_each_acknowledgement_of_what_came_back_is_measured_from_when_it_did(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    start = setup.world.now
    now(setup)
    setup.world.now = start + timedelta(minutes=2)
    setup.command(Verb.ACKNOWLEDGE)
    setup.world.now = start + timedelta(minutes=5)
    now(setup, Status.RESOLVED)
    setup.world.now = start + timedelta(minutes=15)
    now(setup)
    setup.world.now = start + timedelta(minutes=22)
    setup.command(Verb.ACKNOWLEDGE)
    setup.sweep(minutes=38)
    assert setup.world.gauges["aia_incident_mtta_seconds", "error"] == (120 + 420) / 2


def test_what_an_older_version_wrote_is_still_read_and_measured(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    now(setup)
    setup.world.now += timedelta(minutes=4)
    setup.command(Verb.ACKNOWLEDGE)
    group, copy = setup.world.documents[GROUPS, TARGET], setup.world.documents[INCIDENTS, setup.incident().id]
    older = msgspec.json.decode(group.data["group"])
    for incident in older["state"]["incidents"]:
        for name in NEW:
            del incident[name]
    text = msgspec.json.encode(older).decode()
    setup.world.documents[GROUPS, TARGET] = replace(group, data=group.data | {"group": text})
    data = {name: value for name, value in copy.data.items() if name not in NEW}
    setup.world.documents[INCIDENTS, setup.incident().id] = replace(copy, data=data)
    assert (setup.incident().reopened_at, setup.incident().loss, setup.incident().acknowledgements) == (None, 0.0, ())
    setup.sweep(minutes=56)
    assert setup.world.gauges["aia_incident_mtta_seconds", "error"] == 240
    now(setup, Status.RESOLVED)
    assert setup.incident().state is State.RESOLVED


def test_a_cancelled_incident_is_not_measured(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    now(setup)
    setup.command(Verb.CANCEL, note="false alarm")
    setup.sweep(minutes=60)
    assert ("aia_incident_mttr_seconds", "error") not in setup.world.gauges
    assert told(setup, "inbox") == ["opened", "resolved"]


def test_a_crash_after_the_decision_is_healed_by_the_sweep(setup: Setup) -> None:
    setup.channels["inbox"].fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        now(setup)
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    assert told(setup, "inbox") == ["opened"]
    assert setup.world.group().pending == ()


def test_a_group_that_cannot_be_read_does_not_hold_up_the_others(setup: Setup) -> None:
    now(setup)
    now(setup, target="model/other")
    document = setup.world.documents[GROUPS, TARGET]
    setup.world.documents[GROUPS, TARGET] = replace(document, data=document.data | {"group": "{}"})
    setup.sweep(minutes=5)
    assert [message.target for message in setup.world.told if message.channel == "pager"] == ["model/other"]


def test_what_the_settings_group_otherwise_goes_on_where_it_belongs_now(setup: Setup) -> None:
    now(setup)
    graph = Graph([Dependency(target=TARGET, needs="api/gateway")])
    moved = replace(setup.service, policy=replace(POLICY, graph=graph))
    setup.service = moved
    for _ in range(3):
        setup.sweep(minutes=1)
    assert setup.incident().state is State.RESOLVED
    (incident,) = setup.world.group("api/gateway").state.incidents
    assert (incident.state, incident.target) == (State.OPEN, TARGET)
    now(setup, Status.RESOLVED)
    assert setup.world.group("api/gateway").state.incidents[0].state is State.RESOLVED
