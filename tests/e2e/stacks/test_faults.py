"""What is killed, locked or stopped: nothing is lost, nothing counts twice, and nothing is left behind.

The tests share one stack that every test breaks and leaves running; the last ones stop and start it.
"""

import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from core.events import Finding, Status, Tick, stamp
from infra.local.ports import PUBLIC
from infra.local.prometheus import RULES
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History
from tests.support.servers.stack import LocalStack, aia, eventually, free_ports, fresh, listens, midnight

pytestmark = pytest.mark.timeout(240)  # the stack is started, and started again

DAYS = 3
KILLS = 4
"""How often the router is killed while it works."""
BEGIN = midnight(DAYS + 7)
"""Where the history begins: a window before the first tick."""

LONGER_THAN_CLIENTS_WAIT = 7.0


def published_until(stack: LocalStack) -> datetime:
    """Up to where Pub/Sub has acknowledged everything."""
    marker = json.loads((stack.folder / "replay.json").read_text())
    return datetime.fromisoformat(marker["published_until"])


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose bus, warehouse and history were killed in the midst of its first start."""
    with LocalStack(tmp_path_factory.mktemp("broken") / "data", DAYS, separate=("api", "incident_router")) as stack:
        stack.launch()
        eventually(lambda: {"history-model", "pubsub", "warehouse"} <= set(stack.programs()), "history on its way")
        with stack.kept_dead("warehouse"):
            stack.kill("pubsub")
            stack.kill("history-model")
            time.sleep(LONGER_THAN_CLIENTS_WAIT)
            stack.kill("history-business")
        stack.await_running()
        stack.measure_often()
        stack.retry_soon()
        yield stack


def logged(stack: LocalStack, until: datetime) -> dict[str, set[str]]:
    """What the replay has published: ids by table."""
    anchor = json.loads((stack.folder / "replay.json").read_text())["anchor"]
    history = History.read(FLIGHTS, until, anchor=datetime.fromisoformat(anchor).date())
    found: dict[str, set[str]] = {"flight_predictions": set(), "flight_labels": set()}
    for message in history.messages(BEGIN, until):
        found[message.attributes["table"]].add(json.loads(message.data)["prediction_id"])
    return found


def kept(stack: LocalStack, table: str, column: str, until: datetime) -> set[str]:
    sql = f"SELECT DISTINCT prediction_id FROM telemetry.{table} WHERE {column} >= @begin AND {column} < @until"
    return {row["prediction_id"] for row in stack.rows(sql, begin=BEGIN, until=until)}


def assert_complete(stack: LocalStack) -> None:
    """Every prediction and label is in the warehouse, every window scored what was logged, each step is told once."""
    until = published_until(stack)
    expected = logged(stack, until)
    for table, column in (("flight_predictions", "scored_at"), ("flight_labels", "arrived_at")):
        assert len(expected[table]) > 5000
        eventually(lambda t=table, c=column: kept(stack, t, c, until) == expected[t], f"whole {table}")  # type: ignore[misc] # mypy cannot infer defaults of a lambda
    windows = stack.rows("SELECT DISTINCT window_start, window_end, n_current FROM ops.drift_scores")
    assert {window["window_end"] for window in windows} >= {midnight(days) for days in range(DAYS)}
    for window in windows:
        [row] = stack.rows(
            "SELECT COUNT(DISTINCT prediction_id) AS n FROM telemetry.flight_predictions WHERE scored_at >= @a AND scored_at < @b",
            a=window["window_start"],
            b=window["window_end"],
        )
        assert window["n_current"] == row["n"], "a prediction counted twice, or was not there yet"
    rows = stack.rows("SELECT feature, test, window_end, COUNT(*) AS n FROM ops.drift_scores GROUP BY 1, 2, 3")
    assert {row["n"] for row in rows} == {1}
    for incident in stack.get("/v1/incidents")["incidents"]:
        told = {f"{incident['id']}:{entry['sequence']}" for entry in incident["timeline"]}
        eventually(lambda i=incident, t=told: audited(stack, i["id"]) == t, "whole audit trail")  # type: ignore[misc] # as above
        keys = [message["key"] for message in stack.inbox(incident["id"])]
        assert len(keys) == len(set(keys))


def audited(stack: LocalStack, incident: str) -> set[str]:
    sql = "SELECT DISTINCT id FROM ops.incident_changes WHERE incident_id = @incident"
    return {row["id"] for row in stack.rows(sql, incident=incident)}


def target() -> str:
    return f"service/{uuid4().hex[:8]}"


def one_incident(stack: LocalStack, finding: Finding) -> dict[str, Any]:
    [incident] = eventually(lambda: stack.incidents(finding.target), f"incident of {finding.target}")
    return incident


def test_a_bus_a_warehouse_and_a_history_killed_in_the_midst_of_the_start_lose_and_double_nothing(
    broken: LocalStack,
) -> None:
    for name in ("pubsub", "warehouse", "history-model", "history-business"):
        assert re.search(rf"{name} (ended|was killed)[^\n]*restarted", broken.output.read_text())
    assert_complete(broken)


def test_while_the_warehouse_is_away_people_are_told_and_then_everything_lands(broken: LocalStack) -> None:
    at = midnight(1) + timedelta(hours=12)
    finding = fresh(target=target())
    row = {"prediction_id": f"outside-{uuid4().hex}", "late": False, "arrived_at": stamp(BEGIN - timedelta(days=1))}
    with broken.kept_dead("warehouse"):
        broken.publish("findings", finding)
        broken.send("telemetry", json.dumps(row).encode(), table="flight_labels")
        broken.send("findings", b"poison", why="a test")
        broken.publish("ticks", Tick(job="drift_score", scheduled_at=at), job="drift_score")
        incident = one_incident(broken, finding)
        eventually(lambda: broken.inbox(incident["id"]), "message")
        eventually(lambda: "BigQuery does not answer" in broken.log("drift_score"), "log that names BigQuery")
        eventually(lambda: "ops.incident_changes" in broken.log("pubsub"), "log of the bus that names the table")
    sql = "SELECT COUNT(DISTINCT prediction_id) AS n FROM telemetry.flight_labels WHERE prediction_id = @id"
    eventually(lambda: broken.rows(sql, id=row["prediction_id"])[0]["n"], "row of an outside program")
    eventually(lambda: audited(broken, incident["id"]) == {f"{incident['id']}:{n}" for n in (1, 2)}, "audit trail")
    parked = "SELECT DISTINCT reason FROM ops.dead_letters WHERE function = 'incident_router'"
    eventually(lambda: broken.rows(parked), "parked message")
    scored = "SELECT DISTINCT window_end FROM ops.drift_scores WHERE window_end = @at"
    eventually(lambda: broken.rows(scored, at=at), "score of the tick")


def test_while_metrics_are_away_the_work_goes_on_and_counts_are_made_up_for(broken: LocalStack) -> None:
    finding = fresh(target=target())
    with broken.kept_dead("monitoring", "prometheus"):
        broken.publish("findings", finding)
        incident = one_incident(broken, finding)
        eventually(lambda: broken.inbox(incident["id"]), "message")
        noise = replace(finding, target="service/quiet", status=Status.RESOLVED)

        def told() -> bool:  # metrics are sent when there is something to do, every 10 s at most
            broken.publish("findings", noise)
            return "metrics: not written" in broken.log("incident_router")

        eventually(told, "log that names the metrics", every=0.5)

    def counted() -> bool:  # other incidents change meanwhile
        broken.publish("findings", noise)
        counter = broken.prometheus("sum(aia_incident_changes_total)").get("")
        changes = broken.rows("SELECT COUNT(DISTINCT id) AS n FROM ops.incident_changes")[0]["n"]
        return counter == float(changes)

    eventually(counted, "every change counted in Prometheus", within=120, every=0.5)


def test_while_the_store_is_locked_a_finding_waits_and_then_is_one_incident(broken: LocalStack) -> None:
    finding = fresh(target=target())
    with contextlib.closing(sqlite3.connect(broken.folder / "store.sqlite", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        broken.publish("findings", finding)
        eventually(lambda: "unavailable: store" in broken.log("incident_router"), "log that names the store")
        assert str(broken.folder / "store.sqlite") in broken.log("incident_router")
        database.execute("ROLLBACK")
    incident = one_incident(broken, finding)
    assert [entry["change"] for entry in incident["timeline"]] == ["opened", "updated"]
    [message] = eventually(lambda: broken.inbox(incident["id"]), "message")
    assert message["deliveries"] == 1


@pytest.fixture(scope="module")
def amid_kills(broken: LocalStack) -> list[Finding]:
    """Findings that were published while the router was killed again and again."""
    findings = [fresh(target=target()) for _ in range(20)]
    for number, finding in enumerate(findings):
        broken.publish("findings", finding)
        if number % (20 // KILLS) == 2:
            broken.kill("incident_router")
            time.sleep(0.3)
    return findings


def test_functions_killed_while_they_work_do_it_once(broken: LocalStack, amid_kills: list[Finding]) -> None:
    for finding in amid_kills:
        incident = one_incident(broken, finding)
        assert [entry["change"] for entry in incident["timeline"]] == ["opened", "updated"]


def test_a_probe_is_down_only_after_several_failures_and_up_only_after_several_successes(broken: LocalStack) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    at = [now + timedelta(minutes=minutes) for minutes in range(1, 6)]  # ahead of the scheduler, which is then ignored
    with broken.paused("api"):  # the check waits out its time limit
        assert checked(broken, at[0]) == "resolved"
    with broken.kept_dead("api"):  # nobody is there
        assert [checked(broken, instant) for instant in at[1:3]] == ["resolved", "firing"]
        [message] = eventually(lambda: told_of_the_api(broken), "message")
    assert (message["change"], message["severity"]) == ("opened", "critical")
    eventually(lambda: broken.get("/v1/probes"), "api that runs again")
    incident = incident_of_the_api(broken, "open")
    assert datetime.fromisoformat(incident["opened_at"]) == at[2]
    assert [condition["kind"] for condition in incident["conditions"]] == ["endpoint_down"]
    assert [checked(broken, instant) for instant in at[3:]] == ["firing", "resolved"]
    over = incident_of_the_api(broken, "resolved")
    assert over["id"] == incident["id"]
    assert datetime.fromisoformat(over["resolved_at"]) == at[4]


def checked(stack: LocalStack, at: datetime) -> str:
    """Publish a tick of health_check; what is believed of the api after it."""
    stack.publish("ticks", Tick(job="health_check", scheduled_at=at), job="health_check")

    def seen() -> str:
        probe = stack.store.get("probes", "api")
        return probe.data["status"] if probe is not None and probe.data["checked_at"] == at else ""

    return eventually(seen, f"check of {at}")


def incident_of_the_api(stack: LocalStack, state: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [one for one in stack.incidents("probe/api") if one["state"] == state]

    [incident] = eventually(found, f"{state} incident of the api")
    return incident


def told_of_the_api(stack: LocalStack) -> list[dict[str, Any]]:
    return [
        one
        for one in stack.get("/messages.json", of="inbox")
        if one["incident_id"].startswith("probe-api") and one["channel"] == "technical"
    ]


def test_a_second_stack_on_the_same_data_is_refused(broken: LocalStack) -> None:
    ports = {PUBLIC[name][0]: str(port) for name, port in free_ports(tuple(PUBLIC)).items()}
    before = broken.programs()
    refused = aia("local", "--data", str(broken.folder), **ports)
    assert refused.returncode == 1
    assert f"{broken.folder}: another stack runs on this data" in refused.stderr
    assert broken.programs() == before


RULE = "IncidentRouterSilent"


def shortened(rules: Path, into: Path) -> Path:
    """The rules of the system with a wait of seconds; what they look at, and how, stays."""
    found = yaml.load((rules / "system.yaml").read_text(), Loader=yaml.CSafeLoader)
    [group] = found["groups"]
    group["interval"] = "2s"
    for rule in group["rules"]:
        if rule["alert"] == RULE:
            rule["for"] = "5s"
            rule["expr"], times = re.subn(r"> \d+\b", "> 5", rule["expr"])
            assert times == 1, f"{RULE}: must compare with one number of seconds, got {rule['expr']}"
    into.mkdir()
    (into / "system.yaml").write_text(yaml.safe_dump(found, sort_keys=False))
    return into


@pytest.fixture
def impatient(broken: LocalStack, tmp_path: Path) -> LocalStack:
    """The stack with a Prometheus that waits for seconds where the repository's waits for minutes."""
    rules = str(shortened(RULES, tmp_path / "rules") / "*.yaml")
    broken.configure_prometheus(lambda config: config.update(rule_files=[rules]))
    eventually(lambda: intervals(broken) == [2], "shortened rules")
    return broken


def intervals(stack: LocalStack) -> list[float]:
    return [group["interval"] for group in stack.get("/api/v1/rules", of="prometheus")["data"]["groups"]]


def direct(stack: LocalStack) -> list[dict[str, Any]]:
    return stack.inbox(RULE, "direct")


@pytest.mark.timeout(480)
def test_a_router_that_is_gone_for_good_is_told_of_without_it(impatient: LocalStack) -> None:
    before = len(direct(impatient))
    port = impatient.port("incident_router")
    with impatient.kept_dead("incident_router"):
        eventually(lambda: not listens(port), "router that is gone")
        impatient.publish("findings", fresh(target="service/unheard"))
        told = eventually(lambda: direct(impatient)[before:], "message past the router", within=120)
        assert {one["change"] for one in told} == {"opened"}
        assert impatient.incidents("service/unheard") == []
    assert "incident_router" in told[0]["title"]
    assert told[0]["severity"] == "critical"
    eventually(lambda: impatient.incidents("service/unheard"), "incident of what waited", within=120)
    eventually(lambda: direct(impatient)[-1]["change"] == "resolved", "message that it is back", within=120)


@pytest.mark.timeout(480)
def test_of_what_killed_functions_did_everybody_is_told_once(broken: LocalStack, amid_kills: list[Finding]) -> None:
    """Half a minute after they were killed at the earliest: so long nobody else sends what they may have sent."""
    for finding in amid_kills:
        incident = one_incident(broken, finding)
        [message] = eventually(lambda i=incident["id"]: broken.inbox(i), "message", within=150)  # type: ignore[misc] # as above
        assert message["change"] == "opened"
    assert_complete(broken)


def state(stack: LocalStack) -> dict[str, Any]:
    """What must be the same after a new start."""
    until = midnight()
    counted = {
        table: stack.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE {column} < @until", until=until)[0]["n"]
        for table, column in (
            ("telemetry.flight_predictions", "scored_at"),
            ("telemetry.flight_labels", "arrived_at"),
            ("ops.drift_scores", "window_end"),
            ("ops.model_versions", "created_at"),
        )
    }
    incidents = {one["id"]: one["timeline"] for one in stack.get("/v1/incidents")["incidents"]}
    sql = "SELECT DISTINCT id FROM ops.incident_changes ORDER BY id"
    return {"rows": counted, "incidents": incidents, "messages": set(deliveries(stack)), "audit": stack.rows(sql)}


def deliveries(stack: LocalStack, *, direct: bool = False) -> dict[str, int]:
    """How often each message about an incident came, by its key; a weekly report may come at any time.

    Args:
        stack: has the inbox.
        direct: those that Prometheus sends past the router, of what the tests before have broken: more may come at any time.
    """
    messages = [one for one in stack.get("/messages.json", of="inbox") if one["incident_id"]]
    return {one["key"]: one["deliveries"] for one in messages if (one["channel"] == "direct") is direct}


def test_a_stopped_stack_leaves_nothing_behind_and_goes_on_with_its_data(broken: LocalStack) -> None:
    before, came, direct = state(broken), deliveries(broken), set(deliveries(broken, direct=True))
    ports = [*broken.ports.values(), broken.port("drift_score")]
    assert len(broken.left_behind()) > len(broken.programs())
    status = broken.stop(signal.SIGINT)
    assert (status, broken.left_behind()) == (0, [])
    assert not any(map(listens, ports))
    assert "stopped; the data is in" in broken.output.read_text()
    assert not list(broken.folder.glob("*.part"))
    broken.separate = ()  # from here on as most people run it
    broken.start()
    assert state(broken) == before
    assert direct <= set(deliveries(broken, direct=True))
    # What a killed function had sent and not written down comes once more, under its key, when its claim is over.
    again = {key: count - came[key] for key, count in deliveries(broken).items() if count != came[key]}
    assert set(again.values()) <= {1}
    assert len({key.partition(":")[0] for key in again}) <= KILLS
    query = 'count(count_over_time(aia_drift_top_feature_shift{model="flight-delay"}[5d]))'
    eventually(lambda: broken.prometheus(query), "charts of the past")
    assert_complete(broken)


def test_a_stack_that_is_killed_leaves_nothing_running_says_so_at_the_next_start_and_goes_on(
    broken: LocalStack,
) -> None:
    ports = list(broken.ports.values())
    assert len(broken.left_behind()) > len(broken.programs())
    assert broken.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not broken.left_behind(), "end of everything")
    assert not any(map(listens, ports))
    broken.start()
    assert "the last stack on this data was killed; nothing of it still ran" in broken.output.read_text()
    assert_complete(broken)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("pubsub", signal.SIGHUP),
        pytest.param("inbox", signal.SIGINT, marks=pytest.mark.long),
        pytest.param("functions", signal.SIGTERM, marks=pytest.mark.long),
    ],
)
def test_a_stack_stopped_while_it_starts_a_program_leaves_nothing_behind(
    tmp_path: Path, name: str, number: signal.Signals
) -> None:
    with LocalStack(tmp_path / "data", 1) as stack:
        stack.launch()
        eventually((stack.folder / "logs" / f"{name}.log").exists, f"start of {name}", every=0.001)
        status = stack.stop(number)
        assert (status, stack.left_behind()) == (0, [])


def test_a_taken_port_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    variables = {PUBLIC[one][0]: str(port) for one, port in free_ports(tuple(PUBLIC)).items()}
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = aia("local", "--data", str(tmp_path / "data"), **variables | {"AIA_PORT": str(port)})
    assert taken.returncode == 1
    assert f"port {port} is taken" in taken.stderr
    assert "set AIA_PORT to another one" in taken.stderr
    assert "Traceback" not in taken.stderr


@pytest.fixture(scope="module")
def without_store(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalStack, subprocess.CompletedProcess[str]]]:
    """A stack that was told to start without its broken store, and what it said before it was told."""
    with LocalStack(tmp_path_factory.mktemp("broken_file") / "data", 1) as stack:
        stack.folder.mkdir()
        (stack.folder / "store.sqlite").write_text("nonsense" * 100)
        refused = aia("local", "--data", str(stack.folder))
        assert not (stack.folder / "logs").exists()
        stack.launch("--set-aside")
        eventually(lambda: "functions" in stack.programs(), "functions")
        yield stack, refused


def test_a_broken_file_is_named_and_the_stack_starts_without_it_on_request(
    without_store: tuple[LocalStack, subprocess.CompletedProcess[str]],
) -> None:
    stack, refused = without_store
    assert refused.returncode == 1
    assert f"{stack.folder / 'store.sqlite'}: is not a database" in refused.stderr
    assert "set aside in" in stack.output.read_text()
    assert [path.name for path in stack.folder.glob("set-aside-*/*")] == ["store.sqlite"]


def test_pressing_ctrl_c_again_and_again_leaves_nothing_behind(
    without_store: tuple[LocalStack, subprocess.CompletedProcess[str]],
) -> None:
    stack, _ = without_store
    while stack.process.poll() is None:
        stack.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert stack.left_behind() == []
