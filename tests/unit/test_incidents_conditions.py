"""How a finding becomes an observation of its condition."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from core.drift import Profile, score
from core.drift.judge import of_drift
from core.events import Severity, Status
from core.incidents.capacity import upsert
from core.incidents.conditions import expired, moved, observe
from core.incidents.kept import kept_finding
from core.incidents.model import CONDITIONS_LIMIT, EVIDENCE_LIMIT, HIDDEN_LIMIT, GroupState, IncidentCondition, State
from core.incidents.policy import IncidentPolicy
from core.settings.people import Category
from core.settings.response import Rule
from core.statistics import STATISTICS
from tests.support.fakes.played import FIRING, RESOLVED, START, Played, at, found

POLICY = IncidentPolicy()
QUIET = timedelta(days=14)


def seen(
    minute: float, known: IncidentCondition | None = None, *, now: float | None = None, **fields: object
) -> IncidentCondition:
    finding = found(minute, **fields)  # type: ignore[arg-type]  # fields of a finding
    return observe(known, finding, now=at(minute if now is None else now), policy=POLICY)[0]


def test_what_is_known_gives_the_very_same_object_back() -> None:
    known = seen(5, seen(0))
    for minute in (0, 5):
        assert seen(minute, known) is known


def test_the_newest_finding_says_how_things_stand_and_a_late_one_only_stands_in_the_history() -> None:
    known = seen(5, seen(0), summary="new", severity=Severity.CRITICAL)
    late = seen(2, known, summary="late", status=RESOLVED)
    assert (late.summary, late.status, late.severity) == ("new", FIRING, Severity.CRITICAL)
    assert [observation.at for observation in late.history] == [at(0), at(2), at(5)]


def test_the_evidence_of_drift_is_kept_as_far_as_the_range_that_moved() -> None:
    rng = np.random.default_rng(3)
    profile = Profile.fit({"departure_delay": rng.normal(12.5, 41.25, 50_000)})
    report = score(profile, {"departure_delay": rng.normal(31.75, 57.5, 9_000)}, statistics=tuple(STATISTICS))
    evidence = of_drift("flight-delay", report).evidence
    kept = next(one.text for one in seen(0, evidence=evidence).evidence if one.name == "departure_delay")
    assert "65.7 and above: 10% of rows then, 2" in kept
    assert evidence["departure_delay"].startswith(kept.rstrip("…"))


def test_the_rules_give_the_severity_that_counts() -> None:
    rule = Rule(kind="drift", category=Category.COST, becomes=Severity.INFO)
    known, observation = observe(None, found(0), now=START, policy=IncidentPolicy(rules=(rule,)))
    assert (known.category, known.severity, observation.severity) == ("cost", Severity.INFO, Severity.INFO)


def test_a_clock_that_runs_ahead_counts_as_now_and_its_copy_is_known() -> None:
    finding = found(60)
    first, observation = observe(None, finding, now=START, policy=POLICY)
    assert observation.at == START
    again, _ = observe(first, finding, now=at(1), policy=POLICY)
    assert again is first
    other, _ = observe(first, replace(finding, status=RESOLVED), now=at(1), policy=POLICY)
    assert other.status is RESOLVED


def test_a_longer_promise_is_written_down_once_a_minute() -> None:
    known = seen(0, holds_until=at(10))
    assert seen(0, known, now=1, holds_until=at(10.5)) is known
    assert seen(0, known, now=1, holds_until=at(11)).holds_until == at(11)
    assert seen(0, known, now=1, holds_until=at(9)) is known
    assert seen(0, known, now=1) is known


def test_a_promise_that_is_about_to_end_is_written_down_at_once() -> None:
    known = seen(0, holds_until=at(10))
    assert seen(0, known, now=9.5, holds_until=at(10.2)).holds_until == at(10.2)


def test_an_expiry_that_is_said_later_shortens_nothing() -> None:
    assert seen(0, seen(0), holds_until=at(10)).holds_until is None
    assert seen(0, seen(0, holds_until=at(20)), holds_until=at(10)).holds_until == at(20)


def test_a_firing_is_over_when_it_is_not_repeated_and_a_recovery_never() -> None:
    known = seen(0, holds_until=at(10))
    assert expired(known, at(9), QUIET) is None
    ended = expired(known, at(12), QUIET)
    assert ended is not None
    assert (ended.status, ended.observed_at, len(ended.history)) == (RESOLVED, at(10), 2)
    assert expired(ended, at(99), QUIET) is None
    silent = expired(seen(0), START + QUIET, QUIET)
    assert silent is not None
    assert silent.observed_at == START + QUIET


def test_a_promise_that_was_over_before_it_was_made_ends_just_after_the_observation_and_can_be_made_again() -> None:
    known = seen(5, holds_until=at(3))
    ended = expired(known, at(6), QUIET)
    assert ended is not None
    assert ended.observed_at == at(5) + timedelta(microseconds=1)
    again = seen(5, ended, holds_until=at(30))
    assert (again.status, again.history, again.holds_until) == (FIRING, known.history, at(30))


def test_what_was_taken_for_over_fires_again_where_its_source_repeats_it_and_says_that_it_holds() -> None:
    ended = expired(seen(0, holds_until=at(5), severity=Severity.CRITICAL), at(6), QUIET)
    assert ended is not None
    again = seen(0, ended, holds_until=at(20), severity=Severity.CRITICAL)
    assert (again.status, again.severity, again.observed_at, again.holds_until) == (
        FIRING,
        Severity.CRITICAL,
        START,
        at(20),
    )


def test_a_repetition_that_comes_too_late_to_keep_it_alive_takes_the_recovery_back() -> None:
    ended = expired(seen(0, holds_until=at(5)), at(6), QUIET)
    again = seen(4, ended, holds_until=at(9))
    assert (again.status, again.holds_until) == (FIRING, at(9))
    assert [observation.status for observation in again.history] == [FIRING, FIRING]


def test_a_firing_after_the_silence_is_a_new_one() -> None:
    ended = expired(seen(0, holds_until=at(5)), at(6), QUIET)
    again = seen(7, ended, holds_until=at(12))
    assert [observation.status for observation in again.history] == [FIRING, RESOLVED, FIRING]


def test_what_its_source_resolved_does_not_fire_for_an_old_copy_of_a_promise() -> None:
    resolved = seen(3, seen(0, holds_until=at(5)), status=RESOLVED)
    copy = seen(0, resolved, holds_until=at(20))
    assert copy.status is RESOLVED
    kept = seen(3, seen(0, holds_until=at(5)), status=RESOLVED, holds_until=at(5))
    assert seen(0, kept, holds_until=at(20)).status is RESOLVED
    assert seen(2, kept, holds_until=at(20)).status is RESOLVED


def test_what_is_kept_elsewhere_is_over_as_soon_as_it_was_seen() -> None:
    assert moved(seen(0)).observed_at == START + timedelta(microseconds=1)


def test_foreign_text_is_one_line_of_a_bounded_number_of_bytes() -> None:
    hostile = "\N{CAT FACE}\n" * 500
    known = seen(
        0,
        summary=hostile,
        source=hostile,
        unit=hostile,
        runbook=hostile,
        evidence={f"{n}{hostile}": hostile for n in range(9)},
    )
    assert len(known.evidence) == EVIDENCE_LIMIT
    texts = [known.summary, known.source, known.unit, known.runbook]
    texts += [text for one in known.evidence for text in (one.name, one.text)]
    assert all(text.isprintable() and len(text.encode()) <= 300 for text in texts)


@pytest.mark.parametrize(
    ("runbook", "kept"),
    [
        ("models.md#drift", "models.md#drift"),
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("javascript:alert(1)", ""),
        ("javascript://%0aalert(1)", ""),
        ("JavaScript://example.com/%0aalert(1)", ""),
        ("data:text/html,x", ""),
        (" javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
    ],
)
def test_a_runbook_is_a_web_address_or_a_section(runbook: str, kept: str) -> None:
    assert seen(0, runbook=runbook).runbook == kept
    assert kept_finding(found(0, runbook=runbook)).runbook == kept


def many(status: object = FIRING) -> GroupState:
    kept = GroupState(name="g")
    for n in range(CONDITIONS_LIMIT):
        kept = upsert(kept, seen(n, kind=f"k{n:03}", status=status))
    return kept


def test_a_condition_takes_its_own_place_and_a_new_one_its_place_in_the_order() -> None:
    kept = many()
    assert [one.kind for one in kept.conditions] == sorted(one.kind for one in kept.conditions)
    again = seen(500, kept.conditions[7], kind="k007")
    assert upsert(kept, again).conditions[7] is again


def test_the_oldest_recovery_makes_room() -> None:
    kept = upsert(many(RESOLVED), seen(500, kind="new"))
    assert len(kept.conditions) == CONDITIONS_LIMIT
    assert (kept.conditions[0].kind, kept.conditions[-1].kind) == ("k001", "new")
    assert kept.hidden == ()


def test_where_everything_fires_what_is_known_stays_however_often_the_others_are_repeated() -> None:
    kept = many()
    for minute in range(500, 510):
        after = upsert(kept, seen(minute, kind=f"new{minute}"))
        assert after.conditions == kept.conditions
        assert [one.observed_at for one in after.hidden] == [at(minute)]


def test_where_everything_fires_the_worse_takes_the_place_of_the_least_that_began_last() -> None:
    kept = upsert(many(), seen(500, kind="new", severity=Severity.CRITICAL))
    assert "new" in {one.kind for one in kept.conditions}
    assert f"k{CONDITIONS_LIMIT - 1:03}" not in {one.kind for one in kept.conditions}
    assert [one.severity for one in kept.hidden] == [Severity.ERROR]


def test_every_target_keeps_a_condition_in_detail() -> None:
    kept = upsert(many(), seen(500, kind="new", target="table/t", severity=Severity.INFO))
    assert "table/t" in {one.target for one in kept.conditions}


def test_a_digest_that_is_full_says_so() -> None:
    kept = many()
    for n in range(HIDDEN_LIMIT):
        kept = upsert(kept, seen(500, kind=f"more{n}"))
    assert (len(kept.hidden), kept.overflowed) == (HIDDEN_LIMIT, False)
    kept = upsert(kept, seen(500, kind="one-too-many"))
    assert (len(kept.hidden), kept.overflowed) == (HIDDEN_LIMIT, True)


@pytest.mark.parametrize("order", [(FIRING, RESOLVED), (RESOLVED, FIRING)])
def test_what_fires_and_is_resolved_at_one_instant_is_resolved_in_whatever_order_both_arrive(
    order: tuple[Status, Status],
) -> None:
    played = Played().find(found(0), *(found(5, status) for status in order))
    assert (played.state.conditions[0].status, played.incident.state) == (RESOLVED, State.RESOLVED)
