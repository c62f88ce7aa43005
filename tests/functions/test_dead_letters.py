"""Dead letters: listed, shown and sent again over HTTP and by `aia dead-letters`, and published by the function, once."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from core.errors import RefusedError, UnavailableError
from core.events import Command, Verb
from core.ledger import KEEP
from core.maintenance.backup import OWN, Manifest, TableBackup
from core.maintenance.checks import observation
from core.maintenance.dead_letters import SENT_WITHIN, claim_key
from core.maintenance.task import Progress, finished
from core.security import scan
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.cli.main import main
from functions.maintenance import dead_letters, files
from functions.maintenance.outside import Outside
from functions.maintenance.registry import TASKS
from functions.services.detection import Tracker
from functions.services.maintenance import ADVICE, save
from tests.support.builders import pages
from tests.support.builders.budget import boundaries
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, KilledError, MemoryMetrics, MemoryStore
from tests.support.fakes import deployed
from tests.support.fakes.compared import compared
from tests.support.fakes.ports import push
from tests.support.fakes.scanned import scanned

AT = datetime(2026, 6, 1, tzinfo=UTC)
SAID = {"text": "Use it.", "numbers": {"rows_a_day": 12000}}
SAYS = b'{"type": "finding", "version": 9}'


def row(identifier: str = "a1", **fields: Any) -> Data:
    parked = {"id": identifier, "received_at": AT, "n_parked": 2, "function": "incident_router", "reason": "<version>"}
    sent = {"subscription": "incident-router-findings", "message_id": "7", "attributes": '{"severity": "critical"}'}
    return parked | sent | {"body": base64.b64encode(push(SAYS)).decode()} | fields


@pytest.fixture
def office() -> ApiFixture:
    return ApiFixture(MemoryStore(Breaking(now=AT)), obeys=False)


@pytest.fixture
def warehouse() -> Rows:
    return Rows(dead_letters=[row()])


@pytest.fixture
def url(office: ApiFixture, warehouse: Rows) -> Iterator[str]:
    made = pages.services(office.store, warehouse, office, lambda: AT)
    with pages.served(pages.application(made)) as address:
        yield address


def aia(url: str, *arguments: str, **options: Any) -> Result:
    return CliRunner(env={"LOGNAME": "ann"}).invoke(main, ["dead-letters", "--url", url, *arguments], **options)


def webhook(reason: str = "body: must be of a known format") -> Data:
    """An alert that came as a webhook, as the intake parks it."""
    bare = {"subscription": None, "message_id": None, "attributes": None}
    body = base64.b64encode(SAYS).decode()
    return row("w1", function="alert_intake", reason=reason, body=body) | bare


def test_a_webhook_that_was_parked_is_shown_and_goes_to_the_topic_of_alerts(warehouse: Rows, url: str) -> None:
    warehouse.answers["dead_letters"] = [webhook()]
    assert json.loads(aia(url, "show", "w1").output)["data"] == SAYS.decode()
    world, again = deployed.Outside(now=AT), replace(COMMAND, subject="w1")
    dead_letters.send_again(outside(world, webhook()), again)
    assert world.published == [("alerts", SAYS)]
    with pytest.raises(RefusedError, match="cannot be read"):
        dead_letters.send_again(outside(deployed.Outside(now=AT), webhook("x (of 2000000 bytes, 5 are kept)")), again)


def test_what_cannot_be_read_is_not_edited(
    warehouse: Rows, url: str, office: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "false")
    warehouse.answers["dead_letters"] = [webhook("x (of 2000000 bytes, 5 are kept)")]
    refused = aia(url, "resend", "w1", "--why", "version", "--edit")
    assert (refused.exit_code, office.published) == (2, [])
    assert refused.stderr == "Error: --edit: must not be given of a message of which nothing can be read\n"


def test_they_are_listed_and_shown_with_what_they_say(url: str) -> None:
    listed = json.loads(aia(url, "list", "--json").output)
    assert [(one["id"], one["reason"], one["sent_again"]) for one in listed] == [("a1", "<version>", False)]
    assert "incident_router" in aia(url, "list").output
    shown = json.loads(aia(url, "show", "a1").output)
    assert (shown["data"], shown["attributes"], shown["n_parked"]) == (SAYS.decode(), {"severity": "critical"}, 2)


def upkeep(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/v1/maintenance") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_each_task_is_shown_with_its_runs_and_when_it_is_next_and_the_advice(
    url: str, office: ApiFixture, warehouse: Rows
) -> None:
    done = finished(Progress(due=AT, seconds=2.5).with_step("documents", "3 documents"), at=AT)
    save(office.store, "backup", replace(finished(done, at=AT, tick=AT, fault="ops.a differs"), attempts=3))
    office.store.create(OWN, ADVICE, {"at": AT, "advice": [{"kind": "unused_metric", "subject": "aia_x"} | SAID]})
    ran = {"task": "backup", "due": AT, "written_at": AT, "outcome": "failed", "seconds": 2.5, "detail": None}
    warehouse.answers["ops.maintenance_runs"] = [ran | {"fault": "ops.a differs"}]
    found = upkeep(url)
    assert [one["task"] for one in found["tasks"]] == [one.name for one in TASKS]
    task, other = found["tasks"][:2]
    assert (task["outcome"], task["success_ratio"], task["next"][:13]) == ("failed", 0.5, "2026-06-01T01")
    assert (task["detail"], task["succeeded_at"][:10]) == ("3 documents", "2026-06-01")
    assert [one["fault"] for one in task["runs"]] == ["ops.a differs"]
    assert (other["outcome"], other["runs"], other["next"][:13]) == (None, [], "2026-05-31T02")
    assert found["advice"]["advice"][0]["subject"] == "aia_x"


def test_backups_are_shown_with_what_is_known_of_each(url: str, warehouse: Rows) -> None:
    table = TableBackup(table="ops.a", snapshot="backups.a", rows=7, rows_live=8)
    made = Manifest(id="1", at=AT, export="e", tables=(table,), documents=3, digest="d")
    text = msgspec.json.encode(made).decode()
    warehouse.answers["backups.manifests"] = [{"status": "broken", "detail": "ops.a differs", "manifest": text}]
    assert upkeep(url)["backups"] == [
        {"id": "1", "at": "2026-06-01T00:00:00Z", "status": "broken", "detail": "ops.a differs", "tables": 1, "rows": 7}
        | {"documents": 3}
    ]


def test_what_the_security_scan_found_could_not_read_or_has_not_looked_at(url: str, office: ApiFixture) -> None:
    tracker = Tracker(office.store, deployed.Bus(deployed.Outside(now=AT)))
    tracker.record(observation(scan.CHECKS[scan.ScanKind.IAM_EXPOSURE], [], AT))
    tracker.record(observation(scan.CHECKS[scan.ScanKind.OLD_KEY], ["etl@shop is 98 days old"], AT))
    tracker.record(observation(scan.CHECKS[scan.ScanKind.VULNERABLE_DEPENDENCY], None, AT, "osv.dev does not answer"))
    save(office.store, "security-scan", Progress(due=AT).with_step("old_key", "1: old keys (etl@shop is 98 days old)"))
    found = {one["kind"]: one for one in upkeep(url)["checks"] if one["task"] == "security-scan"}
    assert {kind: one["outcome"] for kind, one in found.items()} == {
        "iam_exposure": "good",
        "old_key": "bad",
        "vulnerable_dependency": "not_known",
    }
    assert (found["old_key"]["severity"], found["old_key"]["detail"]) == (
        "warning",
        "1: old keys (etl@shop is 98 days old)",
    )


def test_what_nobody_answers_or_has_looked_at_is_not_known(url: str, warehouse: Rows) -> None:
    warehouse.down = True
    found = upkeep(url)
    assert (found["backups"], found["advice"]) == (None, None)
    assert {(one["outcome"], one["runs"]) for one in found["tasks"]} == {(None, None)}
    assert {(one["outcome"], one["at"]) for one in found["checks"]} == {("not_known", None)}


def test_one_is_sent_again_by_a_command_with_who_and_why(url: str, office: ApiFixture) -> None:
    assert "accepted as send_again:a1" in aia(url, "resend", "a1", "--why", "corrected").output
    [(_, command, attributes)] = office.published
    assert attributes == {"verb": "send_again"}
    assert (command.verb, command.subject, command.by, command.note, command.body) == (
        Verb.SEND_AGAIN,
        "a1",
        "ann",
        "corrected",
        "",
    )


def test_what_was_sent_again_is_not_sent_twice(url: str, office: ApiFixture) -> None:
    Ledger(office.store, lambda: AT, "test").once(claim_key("a1"), lambda: None)
    refused = aia(url, "resend", "a1", "--why", "again")
    assert refused.exit_code == 2
    assert "was sent again" in refused.output
    assert office.published == []


def test_what_a_process_claimed_that_ended_before_it_was_sent_is_not_sent_yet(url: str, office: ApiFixture) -> None:
    Ledger(office.store, lambda: AT, "test").claim(claim_key("a1"))
    assert [one["sent_again"] for one in json.loads(aia(url, "list", "--json").output)] == [False]
    assert aia(url, "resend", "a1", "--why", "again").exit_code == 0


def test_one_whose_claim_may_be_forgotten_is_not_sent(url: str, office: ApiFixture, warehouse: Rows) -> None:
    """A claim is kept for 32 days, a dead letter for 90."""
    assert SENT_WITHIN < KEEP
    warehouse.answers["dead_letters"] = [old := row(received_at=AT - SENT_WITHIN - timedelta(seconds=1))]
    refused = aia(url, "resend", "a1", "--why", "again")
    assert "must not be older than 30 days" in refused.output
    with pytest.raises(RefusedError, match="must not be older than 30 days"):
        dead_letters.send_again(outside(deployed.Outside(now=AT), old), COMMAND)
    assert office.published == []


def test_it_may_be_corrected_first(url: str, office: ApiFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/9/1/")
    assert aia(url, "resend", "a1", "--why", "version", "--edit").exit_code == 0
    assert json.loads(office.published[0][1].body) == {"type": "finding", "version": 1}
    monkeypatch.setenv("EDITOR", "sed -i s/{/[/")
    refused = aia(url, "resend", "a1", "--why", "version", "--edit")
    assert "data: must be a JSON object" in refused.output
    monkeypatch.setenv("EDITOR", "true")
    assert "nothing was changed" in aia(url, "resend", "a1", "--why", "version", "--edit").output


class Warehouse:
    """Has one dead letter, perhaps."""

    def __init__(self, *rows: Data) -> None:
        self.rows = list(rows)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        if "COUNT(DISTINCT id)" in sql:
            return [{"function": "retrain", "n": 3}]
        return [found for found in self.rows if found["id"] == parameters["id"]]


def outside(world: deployed.Outside, *rows: Data) -> Outside:
    store = MemoryStore(world)
    return Outside(
        settings=Settings(jobs={}),
        store=store,
        bus=deployed.Bus(world),
        warehouse=Warehouse(*rows),  # type: ignore[arg-type] # only asked by `query`
        metrics=MemoryMetrics(world),
        ledger=Ledger(store, lambda: world.now, "test"),
        clock=lambda: world.now,
        deployment=files.deployment,
        texts=dict,
        tables=dict,
        scanned=scanned(),
        compared=compared(),
    )


COMMAND = Command(verb=Verb.SEND_AGAIN, subject="a1", by="ann", at=AT)


def test_the_message_goes_to_the_topic_that_it_came_from_once() -> None:
    world = deployed.Outside(now=AT)
    for _ in range(3):
        dead_letters.send_again(outside(world, row()), COMMAND)
    assert world.published == [("findings", SAYS)]
    dead_letters.send_again(outside(world, row("b2")), replace(COMMAND, subject="b2", body='{"a": 1}'))
    assert world.published[1:] == [("findings", b'{"a": 1}')]


def test_wherever_the_program_ends_it_is_sent_in_the_end_and_twice_only_if_that_was_not_recorded() -> None:
    world = deployed.Outside(now=AT)
    dead_letters.send_again(outside(world, row()), COMMAND)
    for at in boundaries(world.boundaries):
        world = deployed.Outside(now=AT, kill_at=at)
        with pytest.raises(KilledError):
            dead_letters.send_again(outside(world, row()), COMMAND)
        world.dead, world.kill_at = False, 0
        world.now = AT.replace(hour=1)  # the lease of the claim is over
        dead_letters.send_again(outside(world, row()), COMMAND)
        assert 1 <= len(world.published) <= 2


def test_while_the_bus_does_not_answer_the_claim_is_given_back() -> None:
    world = deployed.Outside(now=AT)
    with pytest.raises(UnavailableError):
        dead_letters.send_again(replace(outside(world, row()), bus=deployed.Unanswering()), COMMAND)
    dead_letters.send_again(outside(world, row()), COMMAND)
    assert world.published == [("findings", SAYS)]


@pytest.mark.parametrize(
    ("rows", "command", "reason"),
    [
        ([], COMMAND, "subject: must be the id of a dead letter, got 'a1'"),
        ([row(subscription="gone")], COMMAND, "subscription: must be one of the deployment, got 'gone'"),
        ([row(subscription=None)], COMMAND, "subscription: must be one of the deployment, got ''"),
        ([row(body="e30=")], COMMAND, "its message cannot be read"),
        ([row()], replace(COMMAND, verb=Verb.HALT), "verb: must be send_again, got halt"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(rows: list[Data], command: Command, reason: str) -> None:
    world = deployed.Outside(now=AT)
    with pytest.raises(RefusedError, match=reason):
        dead_letters.send_again(outside(world, *rows), command)
    assert world.published == []


def test_each_function_has_the_number_of_its_dead_letters() -> None:
    world = deployed.Outside(now=AT)
    dead_letters.publish(outside(world), AT)
    assert world.gauges["aia_dead_letters", "retrain"] == 3
    assert world.gauges["aia_dead_letters", "api"] == 0
