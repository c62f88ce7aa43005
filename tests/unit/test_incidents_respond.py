"""Which automated responses the playbooks ask for."""

from dataclasses import replace

from core.events import ActionRequest, Finding, Mode, Severity
from core.incidents.charter import Charter
from core.incidents.fold import fold
from core.incidents.model import Incident, Watch
from core.incidents.respond import requests
from core.settings.people import Category, When
from core.settings.response import ActionName, Deed, Playbook
from tests.support.fakes.played import CHARTER, FIRING, MODEL, RESOLVED, Played, at, found

RETRAIN = Playbook(
    name="retrain",
    when=When(category=frozenset({Category.DRIFT})),
    do=(Deed(action=ActionName.RETRAIN_MODEL), Deed(action=ActionName.FLUSH_CACHE, target="cache/c")),
    mode=Mode.ACT,
)
AGAIN = Playbook(name="again", when=When(), do=(Deed(action=ActionName.RETRAIN_MODEL),))


def played(*findings: Finding) -> Played:
    done = Played(Charter())
    for finding in findings:
        done.find(finding)
    return done


def never(_: Incident) -> bool:
    return False


def ask(watch: Watch, *playbooks: Playbook) -> tuple[Watch, tuple[ActionRequest, ...]]:
    return requests(watch, playbooks, now=at(1), quiet=never)


def test_a_playbook_asks_in_its_order_and_says_for_what_and_why() -> None:
    done = played(found(0))
    watch, (first, second) = ask(done.watch, RETRAIN)
    assert (first.action, first.target, first.mode, first.playbook) == ("retrain_model", MODEL, Mode.ACT, "retrain")
    assert (first.incident_id, first.requested_at) == (done.incident.id, at(1))
    assert (first.reason, first.severity) == (f"{MODEL} is error (drift)", Severity.ERROR)
    assert (second.action, second.target) == ("flush_cache", "cache/c")
    assert watch.incidents[0].asked is Severity.ERROR


def test_the_same_action_on_the_same_target_is_asked_for_once_by_the_first_that_says_so() -> None:
    _, asked = ask(played(found(0)).watch, RETRAIN, AGAIN)
    assert [(one.action, one.playbook) for one in asked] == [("retrain_model", "retrain"), ("flush_cache", "retrain")]


def test_what_a_playbook_does_not_mean_it_does_not_ask_for() -> None:
    assert ask(played(found(0, kind="latency")).watch, RETRAIN)[1] == ()


def test_without_playbooks_nothing_is_remembered() -> None:
    watch = played(found(0)).watch
    assert ask(watch) == (watch, ())


def test_it_is_asked_once_and_again_when_it_is_worse() -> None:
    watch, first = ask(played(found(0)).watch, RETRAIN)
    assert len(first) == 2
    assert ask(watch, RETRAIN) == (watch, ())
    worse = fold(watch, found(2, severity=Severity.CRITICAL), now=at(3), charter=CHARTER).watch
    again, second = ask(worse, RETRAIN)
    assert {request.id for request in second}.isdisjoint(request.id for request in first)
    assert again.incidents[0].asked is Severity.CRITICAL


def test_it_is_asked_again_when_it_is_told_that_it_is_back() -> None:
    done = Played()
    done.find(found(0))
    done.desk = replace(done.desk, watch=ask(done.watch, RETRAIN)[0])
    done.find(found(5, RESOLVED), found(20))
    assert done.told == ["opened", "resolved", "reopened"]
    assert len(ask(done.watch, RETRAIN)[1]) == 2


def test_what_flaps_is_not_asked_for_again() -> None:
    done = Played()
    done.find(found(0))
    done.desk = replace(done.desk, watch=ask(done.watch, RETRAIN)[0])
    done.find(*[found(n / 30, RESOLVED if n % 2 else FIRING) for n in range(1, 15)])
    assert done.told == ["opened"]
    assert ask(done.watch, RETRAIN)[1] == ()


def test_what_is_muted_is_left_alone_until_that_ends() -> None:
    watch = played(found(0)).watch
    assert requests(watch, [RETRAIN], now=at(1), quiet=lambda _: True) == (watch, ())
    assert len(ask(watch, RETRAIN)[1]) == 2


def test_nothing_is_done_about_what_is_over_already() -> None:
    assert ask(played(found(10, RESOLVED), found(0)).watch, RETRAIN)[1] == ()
