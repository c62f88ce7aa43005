"""The action collect_diagnostics: Google's own client against Cloud Logging on loopback."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.actions.lifecycle import LONGEST
from core.actions.plan import Health
from core.errors import ActionError, UnavailableError
from core.settings import Resource
from functions.adapters.actions import cloud_logging as logging_client
from functions.adapters.actions.collect_diagnostics import LINES, CollectDiagnostics
from tests.support.checks.action_conformance import KEY, request
from tests.support.servers.cloud_logging import PROJECT, Logging, audited, cloud_logging

SOON = 0.3
"""Seconds of patience, for tests in which nothing answers."""
TARGET = "service/checkout"


ASKED = request("collect_diagnostics", TARGET)
FILTER = 'resource.type="cloud_run_revision" resource.labels.service_name="checkout" -- this service'


@pytest.fixture
def logs() -> Iterator[Logging]:
    with cloud_logging() as server:
        yield server


def collect(server: Logging, selection: str = FILTER, patience: float = 5.0) -> CollectDiagnostics:
    client = logging_client.Logs(PROJECT, endpoint=server.endpoint, patience=patience)
    return CollectDiagnostics({TARGET: Resource(logs=selection)}, client)


def collected(server: Logging, **options: Any) -> str:
    action = collect(server, **options)
    return action.apply(action.plan(ASKED), KEY)


def ago(minutes: float) -> Any:
    return ASKED.requested_at - timedelta(minutes=minutes)


def test_lines_are_counted_by_severity_and_the_most_frequent_come_first(logs: Logging) -> None:
    for number in range(5):
        logs.write(ago(number), "ERROR", f"order {number}: database timed out after {number * 7} ms")
    for number in range(3):
        logs.write(ago(number), "CRITICAL", json_payload={"message": f"worker {number} died", "code": 9})
    logs.write(ago(1), "WARNING", "slow")
    logs.write(ago(1), "WARNING", "slow")
    logs.write(ago(1), "WARNING", "rare")
    assert collected(logs) == (
        "11 lines (3 critical, 5 error, 3 warning): "
        "5 x order #: database timed out after # ms; 3 x worker # died; 2 x slow"
    )


def test_lines_that_are_older_harmless_or_of_others_are_left_out(logs: Logging) -> None:
    logs.write(ago(31), "ERROR", "old")
    logs.write(ago(1), "INFO", "harmless")
    logs.write(ago(1), "ERROR", "other", service="search")
    assert collected(logs) == "no line of a warning or worse"


def test_an_or_in_the_filter_lets_no_more_through(logs: Logging) -> None:
    logs.write(ago(1), "ERROR", "one")
    logs.write(ago(1), "INFO", "harmless", service="search")
    logs.write(ago(99), "ERROR", "old", service="search")
    either = 'resource.labels.service_name="checkout" OR resource.labels.service_name="search"'
    assert collected(logs, selection=either) == "1 line (1 error): 1 x one"


def test_lines_after_the_request_are_read_too(logs: Logging) -> None:
    action = collect(logs)
    plan = action.plan(ASKED)
    logs.write(ago(-5), "ERROR", "late")
    assert plan.steps[0].after == "no line of a warning or worse"
    assert action.apply(plan, KEY) == "1 line (1 error): 1 x late"


def test_of_many_lines_the_newest_are_read_page_by_page(logs: Logging) -> None:
    for number in range(LINES):
        logs.write(ago(0), "ERROR", f"new {number}")
    for _ in range(40):
        logs.write(ago(9), "CRITICAL", "older")
    assert collected(logs) == f"the newest {LINES} lines ({LINES} error): {LINES} x new #"


def test_a_search_that_takes_its_time_is_waited_for(logs: Logging) -> None:
    logs.write(ago(1), "ERROR", "found at last")
    logs.pauses = 3
    assert collected(logs) == "1 line (1 error): 1 x found at last"


def test_what_was_found_before_the_service_failed_is_told(logs: Logging) -> None:
    for number in range(60):
        logs.write(ago(1), "ERROR", f"fault {number}")
    action = collect(logs, patience=SOON)
    plan = action.plan(ASKED)
    logs.answers = 1
    assert action.apply(plan, KEY) == "the newest 50 lines (50 error): 50 x fault #"


def test_an_audit_log_says_the_method_and_why(logs: Logging) -> None:
    logs.write(ago(1), "ERROR", proto_payload=audited("google.iam.admin.v1.CreateKey", "denied for 7"))
    assert collected(logs) == "1 line (1 error): 1 x denied for # (google.iam.admin.v#.CreateKey)"


def test_a_line_without_a_known_message_is_told_by_its_texts(logs: Logging) -> None:
    logs.write(ago(1), "ERROR", json_payload={"event": "declined", "card": "visa", "cents": 1200})
    logs.write(ago(2), "ERROR", json_payload={"error": {"type": "Timeout", "where": "bank"}})
    assert collected(logs) == "2 lines (2 error): 1 x card=visa event=declined; 1 x type=Timeout where=bank"


def test_secrets_do_not_reach_the_timeline(logs: Logging) -> None:
    logs.write(ago(1), "ERROR", "GET /pay Authorization: Bearer abcdefgh1234 failed")
    logs.write(ago(2), "ERROR", json_payload={"error": {"password": "hunter2", "user": "ann"}})
    plan = collect(logs).plan(ASKED)
    for text in (plan.summary, str(plan.steps), collected(logs)):
        assert "hunter2" not in text
        assert "abcdefgh1234" not in text
        assert "[hidden]" in text


def test_a_report_fits_into_a_line_of_the_timeline(logs: Logging) -> None:
    for letter in "abcde":
        logs.write(ago(1), "ERROR", f"{letter} word " * 400)
    text = collected(logs)
    assert len(text) <= LONGEST <= 1000
    assert "\n" not in text


def test_collecting_changes_nothing_and_there_is_nothing_to_put_back(logs: Logging) -> None:
    action = collect(logs)
    plan = action.plan(ASKED)
    action.apply(plan, KEY)
    action.apply(plan, KEY)
    assert action.verify(plan).health is Health.GOOD
    assert "nothing to put back" in action.undo(plan)
    assert (logs.effects, plan.touched) == (0, 0)
    assert set(logs.calls) == {"ListLogEntries"}


def test_a_filter_that_is_wrong_is_final(logs: Logging) -> None:
    with pytest.raises(ActionError, match="Unparseable filter"):
        collect(logs, selection="severity >").plan(ASKED)


def test_a_target_without_logs_is_refused(logs: Logging) -> None:
    with pytest.raises(ActionError, match="nobody/knows"):
        collect(logs).plan(request("collect_diagnostics", "nobody/knows"))


def test_a_refused_permission_to_read_logs_is_final(logs: Logging) -> None:
    logs.denied = True
    with pytest.raises(ActionError, match="refused"):
        collect(logs).plan(ASKED)


@pytest.mark.parametrize("fault", ["silent", "stopped"])
def test_logs_that_do_not_answer_may_be_asked_later(logs: Logging, fault: str) -> None:
    action = collect(logs, patience=SOON)
    plan = action.plan(ASKED)
    logs.silent = fault == "silent"
    if fault == "stopped":
        logs.stop()
    with pytest.raises(UnavailableError, match=TARGET):
        action.plan(ASKED)
    with pytest.raises(UnavailableError, match=TARGET):
        action.apply(plan, KEY)
