"""Records of decisions in the warehouse: rows as the bus writes them, and the views, which have each once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from google.cloud import bigquery
from google.pubsub_v1.types import PubsubMessage, Subscription

from core.events import Change, Command, Finding, IncidentChange, IncidentDecision, Severity, Status, Verb
from functions.adapters.events import encode
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api.incident_search import PAST_INCIDENTS
from functions.services.incidents.kept_decisions import inputs
from functions.services.incidents.records import about
from functions.services.replay.read import days
from infra import stage
from infra.local.pubsub.backlog import Item
from infra.local.pubsub.rows import RowFormat
from infra.local.warehouse import read_definitions, read_views
from tests.support.builders.flights import load
from tests.support.checks.googlesql import GoogleSql, with_views

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)  # the analyser is compiled when it is first used, which takes a while

TABLE = stage.deployment()["tables"]["incident-decisions-audit"]["table"]
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
FINDING = Finding(
    target="model/delay",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.ERROR,
    observed_at=AT,
    source="drift_score",
    summary='it says "no"',
    value=0.5,
    threshold=0.25,
    evidence={"carrier": "PSI 0.5"},
)
COMMAND = Command(verb=Verb.ACKNOWLEDGE, subject="model-delay-20260102-1", by="ada", at=AT)


def rows(client: bigquery.Client, *records: IncidentDecision) -> None:
    schema = client.get_table(TABLE).schema
    form = RowFormat(schema, Subscription.pb(Subscription(bigquery_config={"table": TABLE, "use_table_schema": True})))
    messages = (PubsubMessage.pb(PubsubMessage(data=encode(record))) for record in records)
    load(client, TABLE, [msgspec.json.decode(form.row(Item(n, one))) for n, one in enumerate(messages)])


def test_each_decision_is_in_the_view_once_as_it_was_decided_on_first(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    found, told = about(FINDING, "model/delay", AT), about(COMMAND, "model/delay", AT)
    late = replace(found, decided_at=AT + timedelta(minutes=2), revision=3)
    rows(client, late, told, found, late)
    kept = warehouse.query("SELECT * FROM ops.incident_decisions ORDER BY kind")
    assert [(row["kind"], row["id"], row["decided_at"]) for row in kept] == [
        ("command", told.id, AT),
        ("finding", found.id, AT),
    ]
    assert msgspec.json.decode(kept[1]["event"], type=Finding) == FINDING
    [row] = warehouse.query("SELECT * FROM ops.findings")
    assert (row["id"], row["target"], row["kind"], row["status"]) == (FINDING.id, "model/delay", "drift", "firing")
    assert (row["observed_at"], row["value"], row["threshold"]) == (AT, 0.5, 0.25)
    assert (row["summary"], row["decided_at"]) == ('it says "no"', AT)


def test_a_replay_reads_the_days_that_it_is_asked_for(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    found = [about(replace(FINDING, observed_at=at), "model/delay", at) for at in (AT - timedelta(days=3), AT)]
    rows(client, *found, found[1])
    read = inputs([row for day in days(warehouse, AT - timedelta(days=2), AT + timedelta(minutes=1)) for row in day])
    assert [(one.event, one.published_at, one.group) for one in read] == [(FINDING, AT, "model/delay")]


def changed(incident: str, sequence: int, at: datetime, change: Change, summary: str = "") -> IncidentChange:
    over = change in (Change.RESOLVED, Change.EXPIRED)
    by_people = change in (Change.ACKNOWLEDGED, Change.RESOLVED)
    return IncidentChange(
        incident_id=incident,
        sequence=sequence,
        at=at,
        change=change,
        state="resolved" if over else "open",
        severity=Severity.CRITICAL if sequence == 1 else Severity.WARNING,
        target=f"model/{incident}",
        title=f"{incident} drifted",
        reason="command" if by_people else "first_firing",
        summary=summary,
    )


def test_past_incidents_are_found_by_their_recorded_changes(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    told = [
        changed("churn", 1, AT, Change.OPENED, "PSI 0.5"),
        changed("churn", 2, AT + hour, Change.ACKNOWLEDGED, "Ada: the Disk"),
        changed("churn", 3, AT + 2 * hour, Change.RESOLVED, "Ada"),
        changed("late", 1, AT - day, Change.OPENED),
        changed("late", 2, AT - hour, Change.EXPIRED),
        changed("back", 1, AT, Change.OPENED),
        changed("back", 2, AT + hour, Change.RESOLVED),
        changed("back", 3, AT + 2 * hour, Change.REOPENED),
    ]
    load(client, "ops.incident_changes", [msgspec.json.decode(encode(one)) for one in (*told, told[2])])
    everything = {
        "since": AT - 9 * day, "opened_since": AT - 9 * day, "until": AT + day, "before": AT + 9 * day, "before_id": "",
        "severities": [0, 1, 2, 3], "target": "%", "person": "", "words": "", "most": 9,
    }  # fmt: skip

    def ids(**given: object) -> list[str]:
        return [row["id"] for row in warehouse.query(PAST_INCIDENTS, **everything | given)]

    [first, _] = warehouse.query(PAST_INCIDENTS, **everything)
    assert (first["opened_at"], first["resolved_at"]) == (AT, AT + 2 * hour)
    assert (first["title"], first["target"], first["severity_rank"]) == ("churn drifted", "model/churn", 3)
    assert ids() == ["churn", "late"]
    assert ids(words="disk churn") == ids(person="ada") == ids(target="model/ch%") == ids(opened_since=AT) == ["churn"]
    assert ids(words="disk late") == ids(person="bob") == ids(severities=[0, 1]) == []
    assert ids(before=AT + 2 * hour, before_id="churn") == ids(until=AT) == ["late"]
    assert ids(before=AT + 2 * hour, before_id="z", most=1) == ["churn"]


def test_the_views_are_ones_of_bigquery_and_read_only_the_days_that_are_asked_for() -> None:
    definitions, views = read_definitions(), read_views()
    analyser = GoogleSql(with_views(definitions, views))
    for view in ("incident_decisions", "findings"):
        analyser.analyse(f"SELECT * FROM ops.{view} WHERE published_at >= @since", {"since": AT})
        [query] = [one.query for one in views if one.name == view]
        # A filter on the partition's column is pushed through a window function only where that partitions by it.
        assert "id, published_at ORDER BY decided_at, revision) = 1" in query
