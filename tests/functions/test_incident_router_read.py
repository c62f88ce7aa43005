"""What the incident router reads of a message: without secrets, and with instants that can be meant."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import PoisonError
from core.events import Command, Finding, Verb
from functions.adapters.events import encode
from functions.incident_router.router import read
from functions.runtime.push import Message
from tests.support.fakes.outside import FINDING, START

SECRET = "hunter2hunter2"
SILENCE = Command(verb=Verb.SILENCE, subject="model/*", by="ada", at=START, until=START + timedelta(days=30))


def received(event: Finding | Command) -> object:
    return read(Message(id="1", data=encode(event), published_at=START)).event


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": f"login failed, password={SECRET}"},
        {"evidence": {"line": f"Authorization: Bearer {SECRET}", "rows": "12"}},
        {"evidence": {"db_password": SECRET, "rows": "12"}},
        {"evidence": {"link": f"https://ann:{SECRET}@wiki.example/a", "rows": "12"}},
        {"runbook": f"https://wiki.example/runbook?token={SECRET}"},
    ],
)
def test_a_finding_that_is_published_directly_shows_no_secret(changes: dict[str, object]) -> None:
    given = replace(FINDING, **changes)  # type: ignore[arg-type] # only texts are changed
    found = received(given)
    assert isinstance(found, Finding)
    assert SECRET not in repr(found)
    assert "[hidden]" in repr(found)
    assert (found.id, found.condition, len(found.evidence)) == (given.id, given.condition, len(given.evidence))


def test_a_finding_without_secrets_is_read_as_it_was_published() -> None:
    runbook = f"https://wiki.example/Drift-{'0f1e2d3c' * 4}"
    evidence = {
        "departure_delay": "PSI 0.6 over 24 h at 10:00",
        "link": f"https://sentry.example/issues/1/events/{'0f1e2d3c' * 4}/",
        "prompt_tokens": "0.57 sd up; KS 0.25",
    }
    summary = "chat: 1 data quality issue; first, prompt_tokens: 12.5% of the rows are missing"
    given = replace(FINDING, summary=summary, runbook=runbook, evidence=evidence)
    assert received(given) == given


@pytest.mark.parametrize("ahead", [timedelta(days=-400), timedelta(0), timedelta(minutes=5)])
def test_a_command_of_the_past_or_of_a_clock_that_is_a_little_ahead_is_taken(ahead: timedelta) -> None:
    command = replace(SILENCE, at=START + ahead, until=START + ahead + timedelta(hours=1))
    assert received(command) == command


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.SILENCE, Verb.UNSILENCE])
def test_a_command_that_is_about_the_future_is_poison(verb: Verb) -> None:
    with pytest.raises(
        PoisonError, match=r"at: must be at most 0:05:00 after it was published .*, got 2026-01-02T09:05:01"
    ):
        received(replace(SILENCE, verb=verb, at=START + timedelta(minutes=5, seconds=1)))


def test_a_silence_is_at_most_thirty_days_long() -> None:
    assert received(SILENCE) == SILENCE
    with pytest.raises(PoisonError, match="until: must be at most 30 days after at"):
        received(replace(SILENCE, until=START + timedelta(days=30, seconds=1)))


@pytest.mark.parametrize("until", [None, START])
def test_a_silence_ends_after_it_begins(until: None) -> None:
    with pytest.raises(PoisonError, match="until: must be after at"):
        received(replace(SILENCE, until=until))


def test_one_target_is_acknowledged_and_nothing_else() -> None:
    single = replace(SILENCE, verb=Verb.ACKNOWLEDGE, subject="model-a", until=None, target="pod/a")
    assert received(single) == single
    with pytest.raises(PoisonError, match="target: must be given to acknowledge only, got 'pod/a'"):
        received(replace(single, verb=Verb.RESOLVE))
    with pytest.raises(PoisonError, match="target: must be 1 to 300 bytes of printable text"):
        received(replace(single, target="a\nb"))


def test_a_comment_says_something() -> None:
    comment = replace(SILENCE, verb=Verb.COMMENT, subject="model-a", until=None, note="the disk")
    assert received(comment) == comment
    with pytest.raises(PoisonError, match="note: must be given to comment, got ' '"):
        received(replace(comment, note=" "))


def test_a_verb_of_another_function_is_poison_and_told_with_those_that_are_allowed() -> None:
    with pytest.raises(PoisonError, match=r"verb: must be one of acknowledge, cancel, comment, .*, got 'halt'"):
        received(replace(SILENCE, verb=Verb.HALT))
