"""`aia doctor` against a local server that answers as Google's documented REST APIs and the system's own, with faults."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from google.auth.exceptions import DefaultCredentialsError

from core.maintenance.dead_letters import subscriptions
from functions.cli.doctor import project, statements
from functions.cli.main import main
from infra.stage import ROOT

DEPLOYMENT = yaml.load((ROOT / "infra" / "functions.yaml").read_text(), Loader=yaml.CSafeLoader)
GIB = 2**30
Json = dict[str, Any]


class Cloud(ThreadingHTTPServer):
    """A project in which all is well, until something is changed.

    Attributes:
        fails: the status that each request gets whose path has this in it.
        asked: method, path and body of each request.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.fails: dict[str, int] = {}
        self.asked: list[tuple[str, str, Json]] = []
        self.apis = [f"{name}.googleapis.com" for name in project.APIS]
        self.members = [
            f"serviceAccount:fn-{name.replace('_', '-')}@demo.iam.gserviceaccount.com"
            for name in DEPLOYMENT["functions"]
        ]
        self.restricted: list[str] = []
        self.subscriptions = {
            name: {"pushConfig": {"pushEndpoint": "https://x"}} for name, *_ in subscriptions(DEPLOYMENT)
        }
        self.subscriptions |= {name: {"bigqueryConfig": {"table": "t"}} for name in DEPLOYMENT["tables"]}
        self.read, self.size, self.partitioned = 5 * GIB, 100 * GIB, True
        self.rows = self.size
        self.policies: list[str] = []
        self.outcome = "delivered"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, body: Json) -> Any:  # noqa: PLR0911 - one a resource
        if path.startswith("/serviceusage"):
            half = len(self.apis) // 2
            second = "pageToken=more" in path
            names = self.apis[half:] if second else self.apis[:half]
            return {"services": [{"config": {"name": one}} for one in names]} | (
                {} if second else {"nextPageToken": "more"}
            )
        if ":getEffectiveOrgPolicy" in path:
            name = body["constraint"].removeprefix("constraints/")
            return {"listPolicy": {"allowedValues": ["C0123"]} if name in self.restricted else {"allValues": "ALLOW"}}
        if ":getIamPolicy" in path:
            return {"bindings": [{"role": "roles/monitoring.metricWriter", "members": self.members}]}
        if path.startswith("/pubsub"):
            rows = [
                {"name": f"projects/demo/subscriptions/{name}", "state": "ACTIVE"} | one
                for name, one in self.subscriptions.items()
            ]
            return {"subscriptions": rows}
        if path.startswith("/bigquery"):
            return self._bigquery(path, body)
        if path.startswith("/monitoring"):
            return self._monitoring(method, path)
        if path == "/v1/channels":
            test = {"id": "c1", "outcome": self.outcome, "detail": "404" * (self.outcome != "delivered")}
            return [{"name": "team", "test": test}]
        return {"id": "c1"}

    def _bigquery(self, path: str, body: Json) -> Json:
        if path.endswith("/jobs"):
            table = {"projectId": "demo", "datasetId": "ops", "tableId": "x"}
            read = self._read(body["configuration"]["query"].get("queryParameters", []))
            return {"statistics": {"query": {"totalBytesProcessed": str(read), "referencedTables": [table]}}}
        return {"numBytes": str(self.size)} | ({"timePartitioning": {"type": "DAY"}} if self.partitioned else {})

    def _read(self, parameters: list[Json]) -> int:
        """Of a statement as it stands, or between two instants: what partitions leave of the table."""
        since = {one["name"]: one["parameterValue"]["value"] for one in parameters}.get("since", "")
        if not since:
            return self.read
        if since.startswith("0001") or not self.partitioned:
            return self.rows
        return 0 if since.startswith("1990") else min(self.read, self.rows)

    def _monitoring(self, method: str, path: str) -> Json:
        if method == "POST":
            self.policies.append(f"projects/demo/alertPolicies/{len(self.asked)}")
            return {"name": self.policies[-1]}
        self.policies.remove(path.removeprefix("/monitoring/v3/"))
        return {}


class Answer(BaseHTTPRequestHandler):
    server: Cloud

    def _do(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        self.server.asked.append((self.command, self.path, body))
        status = next((code for part, code in self.server.fails.items() if part in self.path + self.command), 200)
        answer = (
            self.server.answer(self.command, self.path, body) if status == 200 else {"error": {"message": "no\nmore"}}
        )
        data = b"<html>" if status == 599 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _do  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def doctor(cloud: Cloud, *options: str) -> tuple[Result, list[Json]]:
    common = ("--project", "demo", "--endpoint", cloud.url, "--url", cloud.url, "--infra", str(ROOT / "infra"))
    result = CliRunner().invoke(main, ["doctor", *common, "--json", *options])
    assert result.exit_code in {0, 1, 2}, result.output
    return result, json.loads(result.stdout)


def wrong(found: list[Json], verdict: str = "bad") -> list[tuple[str, str]]:
    return [(one["check"], one["subject"]) for one in found if one["verdict"] == verdict]


def test_a_project_in_which_all_is_well(cloud: Cloud) -> None:
    result, found = doctor(cloud)
    assert (result.exit_code, wrong(found), wrong(found, "not known")) == (0, [], [])
    ran = {one["subject"] for one in found if one["check"] == "statement"}
    assert ran == set(statements.texts())
    assert len(ran) > 80
    [beat] = [one for one in found if one["subject"] == "service_rollup/recent_operations.sql"]
    assert beat["detail"] == "5 GiB, $43.95 a day, of 100 GiB"  # 5/1024 TiB x 6.25 $ x 1,440 minutes
    changing = [(method, path) for method, path, _ in cloud.asked if method == "DELETE" or "alertPolicies" in path]
    assert changing == [], "without --write nothing is changed"
    assert all(body["configuration"]["dryRun"] for _, path, body in cloud.asked if path.endswith("/jobs"))


def test_without_credentials_google_is_not_known_and_the_store_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(**_: object) -> None:
        raise DefaultCredentialsError("none were found")  # type: ignore[no-untyped-call] # google.auth has no types here

    monkeypatch.setattr("google.auth.default", refused)
    monkeypatch.setenv("AIA_STORE", f"sqlite://{tmp_path / 'store.sqlite'}")
    given = ("doctor", "--project", "demo", "--infra", str(ROOT / "infra"), "--json")
    result = CliRunner().invoke(main, given, env={"AIA_DOCTOR_ENDPOINT": ""})
    store, google = json.loads(result.stdout)
    assert (result.exit_code, store["check"], store["verdict"]) == (2, "store", "good")
    assert (google["check"], google["subject"], google["verdict"]) == ("Google", "all", "not known")
    assert "gcloud auth application-default login" in google["detail"]
    monkeypatch.setenv("AIA_STORE", "sqlite://")
    assert CliRunner().invoke(main, given, env={"AIA_DOCTOR_ENDPOINT": ""}).exit_code == 1


def test_what_is_absent_or_in_the_way_is_bad(cloud: Cloud) -> None:
    cloud.apis.remove("iam.googleapis.com")
    cloud.members.pop(0)
    cloud.restricted.append("iam.allowedPolicyMemberDomains")
    del cloud.subscriptions["drift-score"]
    cloud.subscriptions["api-lost"] = {}
    cloud.subscriptions["alert-intake"] = {"pushConfig": {}}
    cloud.subscriptions["telemetry-orders"] = {"bigqueryConfig": {"table": "t", "state": "SCHEMA_MISMATCH"}}
    cloud.subscriptions["telemetry-spans"]["topic"] = "_deleted-topic_"
    cloud.partitioned = False
    result, found = doctor(cloud)
    assert result.exit_code == 1
    bad = wrong(found)
    assert bad[:7] == [
        ("API", "iam"),
        ("organisation policy", "iam.allowedPolicyMemberDomains"),
        ("grant", "serviceAccount:fn-drift-score@demo.iam.gserviceaccount.com"),
        ("subscription", "drift-score"),
        ("subscription", "alert-intake"),
        ("subscription", "telemetry-orders"),
        ("subscription", "telemetry-spans"),
    ]
    assert {check for check, _ in bad[7:]} == {"table"}
    assert all(one["detail"] for one in found if one["verdict"] == "bad")


def test_a_statement_that_prunes_nothing_or_is_refused_is_bad(cloud: Cloud) -> None:
    cloud.size = cloud.read
    result, found = doctor(cloud)
    assert result.exit_code == 1
    assert len(wrong(found)) == len(statements.texts())
    cloud.fails["/jobs"] = 400
    assert {one["detail"] for one in doctor(cloud)[1] if one["check"] == "statement"} == {"bigquery answers 400: no"}


def test_a_table_of_the_settings_is_read_as_their_statements_read_it(cloud: Cloud) -> None:
    [orders] = [one for one in doctor(cloud)[1] if one["subject"] == "telemetry.orders"]
    assert orders["verdict"] == "good"
    assert orders["detail"] == "5 GiB of 100 GiB each time, 8.79 $ a day"  # 5/1024 TiB x 6.25 $ x 288 times
    cloud.partitioned = False
    [orders] = [one for one in doctor(cloud)[1] if one["subject"] == "telemetry.orders"]
    assert orders["verdict"] == "bad"
    assert (
        "partition telemetry.orders by DAY(ordered_at); 100 GiB of 100 GiB each time, 175.78 $ a day"
        in orders["detail"]
    )
    cloud.rows = 0
    [orders] = [one for one in doctor(cloud)[1] if one["subject"] == "telemetry.orders"]
    assert (orders["verdict"], "not partitioned" in orders["detail"]) == ("bad", True)
    cloud.fails["/jobs"] = 404
    assert {one["verdict"] for one in doctor(cloud)[1] if one["check"] == "table"} == {"bad"}


@pytest.mark.parametrize("status", [403, 429, 503, 599])
def test_what_google_does_not_answer_is_not_known(cloud: Cloud, status: int) -> None:
    cloud.fails[""] = status
    result, found = doctor(cloud, "--write", "--wait", "0")
    assert result.exit_code == 2
    assert {one["verdict"] for one in found} == {"not known"}
    assert {one["check"] for one in found} >= {
        "API",
        "grant",
        "subscription",
        "statement",
        "table",
        "policy",
        "channel",
    }


def test_a_write_creates_a_policy_of_each_lookback_deletes_it_and_tests_the_channels(cloud: Cloud) -> None:
    result, found = doctor(cloud, "--write")
    assert (result.exit_code, cloud.policies) == (0, [])
    made = [body for method, path, body in cloud.asked if method == "POST" and path.endswith("/alertPolicies")]
    conditions = [one["conditions"][0]["conditionPrometheusQueryLanguage"] for one in made]
    assert [one["evaluationInterval"] for one in conditions] == ["30s", "300s", "3600s", "7200s"]
    assert not any(one["enabled"] for one in made), "a policy of a test must notify nobody"
    assert [one["subject"] for one in found if one["check"] == "channel"] == ["team"]


def test_a_policy_that_is_refused_or_stays_and_a_channel_that_does_not_deliver_are_bad(cloud: Cloud) -> None:
    cloud.outcome = "refused"
    cloud.fails["alertPoliciesPOST"] = 400
    found = doctor(cloud, "--write")[1]
    assert [check for check, _ in wrong(found)] == ["policy"] * 4 + ["channel"]
    cloud.fails = {"DELETE": 500}
    bad = [one for one in doctor(cloud, "--write")[1] if one["verdict"] == "bad" and one["check"] == "policy"]
    assert len(bad) == len(cloud.policies) == 4
    assert all(name in one["detail"] for name, one in zip(cloud.policies, bad, strict=True)), "what is left is named"


def test_the_table_begins_with_what_is_bad_and_has_alike_findings_in_one_line(cloud: Cloud) -> None:
    cloud.partitioned, cloud.fails["/jobs"] = False, 403
    line = ["doctor", "--project", "demo", "--endpoint", cloud.url, "--infra", str(ROOT / "infra")]
    table = CliRunner().invoke(main, line).output
    rows = [[cell.strip() for cell in row.strip("│").split("│")] for row in table.splitlines() if row.startswith("│")]
    verdicts = [row[2] for row in rows if row[2]]
    assert verdicts == sorted(verdicts, key=["bad", "not known", "good"].index)
    assert f"{len(statements.texts())}, as " in table
    assert len(rows) < 20
    assert len(CliRunner().invoke(main, [*line, "--all"]).output.splitlines()) > len(statements.texts())


def test_the_table_ends_with_the_counts(cloud: Cloud) -> None:
    result = CliRunner().invoke(
        main, ["doctor", "--project", "demo", "--endpoint", cloud.url, "--infra", str(ROOT / "infra")]
    )
    assert re.search(r"\n\d+ good, 0 bad, 0 not known\n$", result.output)


def test_the_apis_are_those_that_terraform_always_enables() -> None:
    text = (ROOT / "infra" / "terraform" / "services.tf").read_text()
    always = re.search(r"concat\(\[(.*?)\n    \],", text, re.DOTALL)
    assert always
    assert set(re.findall(r'"([a-z]+)\.googleapis\.com"', always[1])) == set(project.APIS)


def test_nobody_answers_at_the_endpoint() -> None:
    options = [
        "doctor",
        "--project",
        "demo",
        "--endpoint",
        "http://127.0.0.1:9",
        "--infra",
        str(ROOT / "infra"),
        "--json",
    ]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert {one["verdict"] for one in json.loads(result.stdout)} == {"not known"}
