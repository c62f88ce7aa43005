"""What every detector does with its verdicts, whatever it watches: one suite, run over all of them.

A story is the marks of its verdicts, an hour apart: `x` for bad, `.` for good, `?` for one that is not known.
"""

from collections.abc import Iterable
from random import Random

import pytest

from core.errors import BusyError, UnavailableError
from core.events import Status
from functions.adapters.ports import Data
from tests.support.builders.budget import boundaries
from tests.support.crash.breaking import KilledError
from tests.support.fakes.detector import BAD, GOOD, HOUR, NOT_KNOWN, Detector, Outside, at
from tests.support.fakes.detectors import DETECTORS

UNSURE = [one for one in DETECTORS if NOT_KNOWN in one.marks]
Look = tuple[str, int]


def looks(story: str, first: int = 0) -> list[Look]:
    return [(mark, first + number) for number, mark in enumerate(story)]


def tour(detector: Detector) -> str:
    """A story with all that may happen: almost firing, firing, almost recovering, recovering, and firing again."""
    fires, recovers = BAD * detector.fire_after, GOOD * detector.recover_after
    return GOOD + fires[1:] + GOOD + fires + BAD + recovers[1:] + BAD + recovers + GOOD + fires


def episode(detector: Detector) -> str:
    """The shortest story in which it fires and recovers."""
    return BAD * detector.fire_after + GOOD * detector.recover_after


def expected(detector: Detector, story: str) -> list[tuple[Look, Status]]:
    """What is published at which verdict of a story, by a plain account of it."""
    firing, known, found = False, "", list[tuple[Look, Status]]()
    for mark, number in looks(story):
        known += mark.replace(NOT_KNOWN, "")
        needed = GOOD * detector.recover_after if firing else BAD * detector.fire_after
        if mark != NOT_KNOWN and known.endswith(needed):
            firing, known = not firing, ""
            found.append(((mark, number), Status.FIRING if firing else Status.RESOLVED))
        elif firing and mark == BAD and detector.repeat:
            found.append(((mark, number), Status.FIRING))
    return found


def deliver(outside: Outside, detector: Detector, given: Iterable[Look]) -> None:
    """As Pub/Sub does: what fails comes again until it is acknowledged."""
    for look in given:
        for _ in range(100):
            if acknowledged(outside, detector, look):
                break
        else:
            pytest.fail(f"{look} is never acknowledged")


def acknowledged(outside: Outside, detector: Detector, look: Look) -> bool:
    outside.dead = False
    outside.now += HOUR
    try:
        detector.look(outside, *look)
    except (KilledError, UnavailableError, BusyError):
        return False
    return True


def published(outside: Outside, detector: Detector) -> list[tuple[str, Status]]:
    return [(one.observed_at.isoformat(), one.status) for one in outside.found(detector.key)]


def wanted(detector: Detector, story: str) -> list[tuple[str, Status]]:
    return [(at(number).isoformat(), status) for (_, number), status in expected(detector, story)]


def state(outside: Outside, detector: Detector) -> Data:
    return outside.documents["conditions", detector.key].data


@pytest.fixture(params=DETECTORS, ids=str)
def detector(request: pytest.FixtureRequest) -> Detector:
    found: Detector = request.param
    return found


@pytest.fixture
def outside() -> Outside:
    return Outside()


def test_it_fires_and_recovers_after_as_many_verdicts_as_it_says(outside: Outside, detector: Detector) -> None:
    for number in range(detector.fire_after):
        assert published(outside, detector) == []
        deliver(outside, detector, [(BAD, number)])
    [firing] = outside.found(detector.key)
    assert (firing.status, firing.observed_at) == (Status.FIRING, at(detector.fire_after - 1))
    assert firing.runbook
    for number in range(detector.recover_after):
        assert len(outside.found(detector.key)) == 1
        deliver(outside, detector, [(GOOD, detector.fire_after + number)])
    resolved = outside.found(detector.key)[-1]
    assert (resolved.status, resolved.severity) == (Status.RESOLVED, firing.severity)


def test_it_publishes_what_a_plain_account_of_its_verdicts_says(outside: Outside, detector: Detector) -> None:
    deliver(outside, detector, looks(tour(detector)))
    assert published(outside, detector) == wanted(detector, tour(detector))
    assert len(outside.published) == len({one.id for one in outside.published}), "nothing is published twice"
    assert (state(outside, detector)["unsent"], state(outside, detector)["has_unsent"]) == ([], False)


@pytest.mark.parametrize("detector", UNSURE, ids=str)
def test_what_is_not_known_neither_fires_nor_resolves(outside: Outside, detector: Detector) -> None:
    story = NOT_KNOWN * 5 + NOT_KNOWN.join(tour(detector)) + NOT_KNOWN * 5
    deliver(outside, detector, looks(story))
    assert published(outside, detector) == wanted(detector, story)
    assert state(outside, detector)["status"] == Status.FIRING


def test_delivered_again_and_again_it_has_the_effect_of_once(outside: Outside, detector: Detector) -> None:
    story = looks(tour(detector))
    for number in range(len(story)):
        deliver(outside, detector, [*[story[number]] * 3, *story[: number + 1]])
    assert published(outside, detector) == wanted(detector, tour(detector))
    assert len(outside.published) == len({one.id for one in outside.published}), "nothing is published twice"


def test_what_comes_late_changes_nothing_that_is_believed_now(outside: Outside, detector: Detector) -> None:
    fires, recovers = BAD * detector.fire_after, GOOD * detector.recover_after
    deliver(outside, detector, looks(fires, first=20))
    told = published(outside, detector)
    believed = state(outside, detector)
    deliver(outside, detector, looks(recovers, first=1))
    assert (published(outside, detector), state(outside, detector)) == (told, believed)
    deliver(outside, detector, looks(recovers, first=30))
    assert published(outside, detector) == [*told, (at(29 + detector.recover_after).isoformat(), Status.RESOLVED)]
    told, believed = published(outside, detector), state(outside, detector)
    deliver(outside, detector, looks(fires, first=10))
    assert (published(outside, detector), state(outside, detector)) == (told, believed)


def test_killed_between_any_two_calls_it_does_what_it_would_have_done(detector: Detector) -> None:
    story = episode(detector)
    whole = Outside()
    deliver(whole, detector, looks(story))
    assert whole.boundaries > 10
    for kill_at in boundaries(whole.boundaries):
        outside = Outside(kill_at=kill_at)
        deliver(outside, detector, looks(story))
        assert published(outside, detector) == wanted(detector, story)
        assert state(outside, detector) == state(whole, detector)


def test_while_the_bus_is_down_nothing_is_lost(outside: Outside, detector: Detector) -> None:
    story = looks(episode(detector))
    for part in (story[: detector.fire_after], story[detector.fire_after :]):
        before, outside.down = len(outside.published), True
        failed = [look for look in part if not acknowledged(outside, detector, look)]
        assert failed
        assert len(outside.published) == before
        outside.down = False
        deliver(outside, detector, failed)
    assert published(outside, detector) == wanted(detector, episode(detector))
    assert state(outside, detector)["has_unsent"] is False


def test_an_outside_that_answers_now_and_then_loses_nothing(outside: Outside, detector: Detector) -> None:
    rng = Random(7)
    outside.chance = lambda: rng.random() / 5
    deliver(outside, detector, looks(tour(detector)))
    assert published(outside, detector) == wanted(detector, tour(detector))
