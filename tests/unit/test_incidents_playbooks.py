"""Which automated responses the playbooks ask for."""

from dataclasses import replace

from core.events import ActionRequest, Finding, Mode, Severity, Stage
from core.incidents.fold import fold
from core.incidents.model import GroupState, Incident
from core.incidents.policy import IncidentPolicy
from core.incidents.response import record_decision, request_actions
from core.settings.people import Category, When
from core.settings.response import ActionName, Deed, Playbook
from tests.support.builders.ladders import decided
from tests.support.fakes.played import FIRING, MODEL, POLICY, RESOLVED, Played, at, found

RETRAIN = Playbook(
    name="retrain",
    when=When(category=frozenset({Category.DRIFT})),
    do=(Deed(action=ActionName.RETRAIN_MODEL), Deed(action=ActionName.FLUSH_CACHE, target="cache/c")),
    mode=Mode.ACT,
)
AGAIN = Playbook(name="again", when=When(), do=(Deed(action=ActionName.RETRAIN_MODEL),))

ONE = Playbook(
    name="one", when=When(), do=(Deed(action=ActionName.RESTART_SERVICE, target="service/a"),), mode=Mode.ACT
)


def played(*findings: Finding) -> Played:
    done = Played(IncidentPolicy())
    for finding in findings:
        done.find(finding)
    return done


def never(_: Incident) -> bool:
    return False


def ask(state: GroupState, *playbooks: Playbook) -> tuple[GroupState, tuple[ActionRequest, ...]]:
    return request_actions(state, playbooks, now=at(1), is_muted=never)


def test_a_playbook_asks_in_its_order_and_says_for_what_and_why() -> None:
    done = played(found(0))
    state, (first,) = ask(done.state, RETRAIN)
    assert (first.action, first.target, first.mode, first.playbook) == ("retrain_model", MODEL, Mode.ACT, "retrain")
    assert (first.incident_id, first.requested_at) == (done.incident.id, at(1))
    assert (first.reason, first.severity) == (f"{MODEL} is error (drift)", Severity.ERROR)
    assert first.rung == "1 of 2"
    assert first.finding_id == found(0).id
    assert state.incidents[0].requested_severity is Severity.ERROR


def test_the_same_action_on_the_same_target_is_asked_for_once_by_the_first_that_says_so() -> None:
    _, asked = ask(played(found(0)).state, RETRAIN, AGAIN)
    assert [(one.action, one.playbook) for one in asked] == [("retrain_model", "retrain")]


def test_what_a_playbook_does_not_mean_it_does_not_ask_for() -> None:
    assert ask(played(found(0, kind="latency")).state, RETRAIN)[1] == ()


def test_without_playbooks_nothing_is_remembered() -> None:
    state = played(found(0)).state
    assert ask(state) == (state, ())


def test_it_is_asked_once_and_what_is_under_way_goes_on_when_it_is_worse() -> None:
    state, first = ask(played(found(0)).state, RETRAIN)
    assert len(first) == 1
    assert ask(state, RETRAIN) == (state, ())
    worse = fold(state, found(2, severity=Severity.CRITICAL), now=at(3), policy=POLICY).state
    again, second = ask(worse, RETRAIN)
    assert second == ()
    assert again.incidents[0].requested_severity is Severity.CRITICAL


def test_what_is_over_is_asked_for_again_when_it_is_worse() -> None:
    state, [first] = ask(played(found(0)).state, ONE)
    failed = record_decision(state, decided(first, Stage.FAILED)).state
    exhausted, none = ask(failed, ONE)
    assert none == ()
    worse = fold(exhausted, found(2, severity=Severity.CRITICAL), now=at(3), policy=POLICY).state
    _, [second] = ask(worse, ONE)
    assert second.action == first.action
    assert second.id != first.id


def test_it_is_asked_again_when_it_is_told_that_it_is_back() -> None:
    done = Played()
    done.find(found(0))
    done.group = replace(done.group, state=ask(done.state, RETRAIN)[0])
    done.find(found(5, RESOLVED), found(20))
    assert done.told == ["opened", "resolved", "reopened"]
    assert len(ask(done.state, RETRAIN)[1]) == 1


def test_what_flaps_is_not_asked_for_again() -> None:
    done = Played()
    done.find(found(0))
    done.group = replace(done.group, state=ask(done.state, RETRAIN)[0])
    done.find(*[found(n / 30, RESOLVED if n % 2 else FIRING) for n in range(1, 15)])
    assert done.told == ["opened"]
    assert ask(done.state, RETRAIN)[1] == ()


def test_what_is_muted_is_left_alone_until_that_ends() -> None:
    state = played(found(0)).state
    assert request_actions(state, [RETRAIN], now=at(1), is_muted=lambda _: True) == (state, ())
    assert len(ask(state, RETRAIN)[1]) == 1


def test_nothing_is_done_about_what_is_over_already() -> None:
    assert ask(played(found(10, RESOLVED), found(0)).state, RETRAIN)[1] == ()


def test_that_an_action_is_not_possible_is_recorded_once_until_something_else_is() -> None:
    state, [first] = ask(played(found(0)).state, ONE)
    refused = decided(first, Stage.REFUSED)

    def lines(*given: tuple[str, str, str]) -> list[str]:
        now = state
        for number, (stage, reason, detail) in enumerate(given):
            one = replace(refused, request_id=f"r{number}", stage=Stage(stage), reason=reason, detail=detail)
            now = record_decision(record_decision(now, one).state, one).state
        return [entry.summary.rpartition(": ")[2] for entry in now.incidents[0].timeline[1:]]

    few, fewer = ("refused", "not_possible", "has 431"), ("refused", "not_possible", "has 430")
    assert lines(few, few, few) == ["has 431"]
    assert lines(few, few, fewer, few) == ["has 431", "has 430", "has 431"]
    assert lines(few, ("applied", "done", "requested"), few) == ["has 431", "requested", "has 431"]
    assert lines(*[("refused", "halted", "by Ada")] * 2) == ["by Ada"] * 2
