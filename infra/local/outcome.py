"""Checks of the whole path after a replay, from outside: every step from the prediction to the notification."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import AiaError
from core.metrics import business, pipelines
from functions.adapters.ports import Warehouse
from infra.local import unavailable_metrics
from infra.local.ports import Ports

MODEL = "flight-delay"
STAKEHOLDERS = ("technical", "operations", "business")
"""The stakeholders that must be notified of the model's drift, by the settings."""

_FINEST_STEP = 15
"""Seconds between the queried values, so that the newest ones are included."""
_OF_A_LONGER_HISTORY = {"aia_market_growth_ratio"}
"""Against a quarter ago; what was computed with the history is gone from Prometheus' view after five minutes."""
_NOT_KNOWN = "* NaN"
"""How a query of a dashboard says that a row is there whose value is not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path: what was found, or why it counts as missing."""

    name: str
    found: str
    ok: bool


def get(url: str, *, timeout: float = 15) -> Any:  # noqa: ANN401 - any JSON value
    """The response of a JSON endpoint of the stack."""
    with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310 - an address of this machine
        return json.load(response)


def post(url: str, body: dict[str, str], *, token: str = "") -> None:
    """Send JSON to an endpoint of the stack, as its page does; what acts takes the token of the local session."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - as above
    urllib.request.urlopen(request, timeout=15).close()  # noqa: S310 - as above


@dataclass(frozen=True, slots=True)
class Outcome:
    """Checks the running stack from outside, as its users see it.

    Attributes:
        ports: where the programs listen.
        warehouse: where the history is.
        ticks: the instants that were scored.
        answered: tiles of dashboards whose queries all had their answer, which are not asked again.
    """

    ports: Ports
    warehouse: Warehouse
    ticks: tuple[datetime, ...]
    answered: set[tuple[str, int]] = field(default_factory=set)

    def steps(self, before: Iterable[Step] = ()) -> list[Step]:
        """Every step, in the order of the path; a check that fails to run is a missing step.

        Args:
            before: found earlier; one that was ok is not checked again.
        """
        done = {step.name: step for step in before if step.ok}
        checks: list[tuple[str, Callable[[], tuple[str, bool]]]] = [
            ("predictions in the warehouse", self._predictions),
            ("windows scored", self._windows),
            ("features drifted", self._drifted),
            ("performance", self._performance),
            ("incident", self._incident),
            ("impact", self._impact),
            ("planned response", self._planned),
            ("notified", self._notified),
            ("audit trail", self._audit),
            ("metrics in Prometheus", self._metrics),
            ("what visitors see", self._experience),
            ("business", self._business),
            ("probes", self._probes),
            ("pipelines", self._pipelines),
            ("page", self._page),
            ("dashboards", self._dashboards),
        ]
        return [done.get(name) or step(name, check) for name, check in checks]

    def drifted(self) -> list[str]:
        """The features that drifted in any scored window, the most often first."""
        sql = """
            SELECT feature, COUNT(DISTINCT window_end) AS windows FROM ops.drift_scores
            WHERE drifted AND role = 'feature' AND window_end >= @since GROUP BY feature ORDER BY windows DESC, feature
        """
        return [row["feature"] for row in self._query(sql)]

    def incidents(self) -> list[dict[str, Any]]:
        """The incidents with the model, the open one and then the newest first: its target is that of the root."""
        everything: list[dict[str, Any]] = get(f"{self.ports.url('page')}/v1/incidents")["incidents"]
        return [incident for incident in everything if f"model/{MODEL}" in incident["targets"]]

    def messages(self) -> list[dict[str, Any]]:
        """The messages about incidents in the inbox: without reports."""
        received: list[dict[str, Any]] = get(f"{self.ports.url('inbox')}/messages.json")
        return [message for message in received if message["incident_id"]]

    def _query(self, sql: str) -> list[dict[str, Any]]:
        return self.warehouse.query(sql, since=min(self.ticks))

    def _count(self, sql: str) -> int:
        return int(self._query(sql)[0]["n"])

    def _predictions(self) -> tuple[str, bool]:
        n = self._count("SELECT COUNT(*) AS n FROM telemetry.flight_predictions WHERE scored_at >= @since")
        labels = self._count("SELECT COUNT(*) AS n FROM telemetry.flight_labels WHERE arrived_at >= @since")
        return f"{n:,} predictions, {labels:,} labels", n > 0 and labels > 0

    def _windows(self) -> tuple[str, bool]:
        rows = self._query(
            "SELECT DISTINCT window_end FROM ops.drift_scores WHERE window_end >= @since AND LENGTH(feature) > 0"
        )
        missing = set(self.ticks) - {row["window_end"] for row in rows}
        return f"{len(self.ticks) - len(missing)} of {len(self.ticks)} ticks", not missing

    def _drifted(self) -> tuple[str, bool]:
        names = self.drifted()
        return ", ".join(names) or "none", bool(names)

    def _performance(self) -> tuple[str, bool]:
        sql = """
            SELECT window_end, value, low, high, expected, n_labels FROM ops.model_performance
            WHERE measure = 'accuracy' AND value IS NOT NULL AND low IS NOT NULL AND high IS NOT NULL
              AND expected IS NOT NULL AND window_end >= @since
            ORDER BY window_end
        """
        rows = self._query(sql)
        if not rows:
            return "none", False
        last = rows[-1]
        text = (
            f"{len(rows)} windows; latest accuracy {last['value']:.1%} ({last['low']:.1%} to {last['high']:.1%}) on"
            f" {last['n_labels']:,} labels, estimated without labels {last['expected']:.1%}"
        )
        measures = self._count(
            "SELECT COUNT(DISTINCT measure) AS n FROM ops.model_performance WHERE window_end >= @since"
        )
        return f"{text}; {measures} measures", len(rows) >= len(self.ticks) and measures > 1

    def _incident(self) -> tuple[str, bool]:
        incidents = self.incidents()
        states = [
            f"{incident['id']} ({incident['state']}, {len(incident['timeline'])} entries)" for incident in incidents
        ]
        return "; ".join(states[:3]) or "none", bool(incidents)

    def _impact(self) -> tuple[str, bool]:
        impacts = [incident["impact"] for incident in self.incidents() if incident["impact"]]
        worst = max(impacts, key=lambda impact: float(impact["dollars_per_hour"]), default=None)
        if worst is None:
            return "none", False
        low, high = worst["low"], worst["high"]
        return f"${worst['dollars_per_hour']:,.0f} an hour at risk (${low:,.0f} to ${high:,.0f})", low < high

    def _planned(self) -> tuple[str, bool]:
        sql = """
            SELECT DISTINCT request_id, plan FROM ops.action_decisions
            WHERE action = 'retrain_model' AND mode = 'dry_run' AND stage = 'planned'
        """
        plans = self.warehouse.query(sql)
        noted = {entry["finding_id"] for incident in self.incidents() for entry in incident["timeline"]}
        told = [plan for plan in plans if any(name.startswith(plan["request_id"]) for name in noted)]
        return f"{len(plans)} planned, {len(told)} in a timeline: {told[0]['plan'] if told else 'none'}", bool(told)

    def _notified(self) -> tuple[str, bool]:
        channels = Counter(message["channel"] for message in self.messages())
        text = ", ".join(f"{count} {channel}" for channel, count in sorted(channels.items()))
        return f"messages: {text or 'none'}", set(STAKEHOLDERS) <= set(channels)

    def _audit(self) -> tuple[str, bool]:
        rows = self._query("SELECT DISTINCT id FROM ops.incident_changes")
        kept = {row["id"] for row in rows}
        told = {
            f"{incident['id']}:{entry['sequence']}" for incident in self.incidents() for entry in incident["timeline"]
        }
        return f"{len(kept)} rows in ops.incident_changes, {len(told - kept)} missing", bool(told) and told <= kept

    def _metrics(self) -> tuple[str, bool]:
        start, end = min(self.ticks), max(self.ticks) + timedelta(hours=1)
        query = {"query": f'max(aia_drift_features_drifted_ratio{{model="{MODEL}"}})', "step": "86400"}
        query |= {"start": str(start.timestamp()), "end": str(end.timestamp())}
        answer = get(f"{self.ports.url('prometheus')}/api/v1/query_range?{urllib.parse.urlencode(query)}")
        points = sum(len(series["values"]) for series in answer["data"]["result"])
        live = get(f"{self.ports.url('prometheus')}/api/v1/query?query=aia_function_requests_total")
        return f"{points} days of drift, {len(live['data']['result'])} live series", points >= len(
            self.ticks
        ) // 2 and bool(live["data"]["result"])

    def _experience(self) -> tuple[str, bool]:
        query = urllib.parse.urlencode(
            {"query": "max by (service, device) (last_over_time(aia_experience_sessions[1h]))"}
        )
        answer = get(f"{self.ports.url('prometheus')}/api/v1/query?{query}")
        values = {
            f"{result['metric']['service']} on {result['metric']['device']}": float(result["value"][1])
            for result in answer["data"]["result"]
        }
        return ", ".join(f"{count:.0f} sessions of {name}" for name, count in sorted(values.items())) or "none", bool(
            values
        )

    def _business(self) -> tuple[str, bool]:
        """Every metric of the business has a value now, but those of a longer history than a demo has."""
        names = [metric.name for metric in business.METRICS if metric.name not in _OF_A_LONGER_HISTORY]
        query = urllib.parse.urlencode({"query": f'count by (__name__) ({{__name__=~"{"|".join(names)}"}})'})
        answer = get(f"{self.ports.url('prometheus')}/api/v1/query?{query}")
        missing = set(names) - {series["metric"]["__name__"] for series in answer["data"]["result"]}
        days = self._count("SELECT COUNT(DISTINCT TIMESTAMP_TRUNC(hour, DAY)) AS n FROM marts.revenue_hourly")
        customers = self._count("SELECT COUNT(*) AS n FROM marts.customers")
        text = (
            f"{days} days of revenue, {customers:,} customers; metrics missing: {', '.join(sorted(missing)) or 'none'}"
        )
        return text, not missing and days > 0 and customers > 0

    def _probes(self) -> tuple[str, bool]:
        probes = get(f"{self.ports.url('page')}/v1/probes")
        checked = [probe for probe in probes if probe.get("checked_at")]
        return ", ".join(f"{probe['name']} {probe['detail']}" for probe in checked), len(checked) == len(probes) > 0

    def _pipelines(self) -> tuple[str, bool]:
        """Each has run, and each of its metrics is in Prometheus."""
        found = {pipeline["name"]: pipeline["runs"] for pipeline in get(f"{self.ports.url('page')}/v1/pipelines")}
        names = [metric.name for metric in pipelines.METRICS]
        # not by `or`, which takes two metrics with the same labels for one
        query = urllib.parse.urlencode({"query": f'last_over_time({{__name__=~"{"|".join(names)}"}}[1h])'})
        answer = get(f"{self.ports.url('prometheus')}/api/v1/query?{query}")["data"]["result"]
        missing = set(names) - {series["metric"]["__name__"] for series in answer}
        runs = ", ".join(f"{name} {len(runs)}" for name, runs in found.items())
        return f"runs: {runs or 'none'}; {len(missing)} of {len(names)} metrics missing", bool(found) and not missing

    def _page(self) -> tuple[str, bool]:
        with urllib.request.urlopen(self.ports.url("page"), timeout=15) as response:  # noqa: S310 - as above
            size = len(response.read())
        return f"{size:,} bytes", size > 0

    def _dashboards(self) -> tuple[str, bool]:
        """Whether every query of every dashboard has an answer, and one with data where this machine can have any."""
        queries: list[str] = []
        silent: list[str] = []
        for dashboard in get(f"{self._dashboards_url}"):
            layout = get(f"{self._dashboards_url}/{dashboard['name']}")
            for tile in layout["tiles"]:
                asked = [data_set["query"] for data_set in tile.get("sets", [])]
                queries += asked
                told = self._silent(dashboard["name"], tile["index"], asked)
                silent += [f"{dashboard['name']}, {tile['title']}: {why}" for why in told]
        texts = [f"{len(queries)} queries", unavailable_metrics.summary(queries)]
        texts += [f"{len(silent)} silent: {'; '.join(silent)}"] if silent else []
        return ", ".join(filter(None, texts)), bool(queries) and not silent

    @property
    def _dashboards_url(self) -> str:
        return f"{self.ports.url('page')}/v1/dashboards"

    def _silent(self, name: str, index: int, queries: Sequence[str]) -> list[str]:
        """The same as `_answers`, of a tile that was not asked before or had none."""
        if not queries or (name, index) in self.answered:
            return []
        if faults := self._answers(name, index, queries):
            return faults
        self.answered.add((name, index))
        return []

    def _answers(self, name: str, index: int, queries: Sequence[str]) -> list[str]:
        """The faults of a tile's queries without the expected answer."""
        try:
            data = get(f"{self._dashboards_url}/{name}/tiles/{index}?step={_FINEST_STEP}")
        except urllib.error.HTTPError as error:
            return [str(json.load(error)["error"])]
        answers = zip(queries, data["sets"], strict=True)
        faults = (unavailable_metrics.fault(query, has_data=_has_data(query, answer)) for query, answer in answers)
        return [fault for fault in faults if fault]


def _has_data(query: str, answer: dict[str, Any]) -> bool:
    """Whether there is a value, or a row that the query itself says is not known."""
    newest = [sample["value"] for sample in answer["now"]]
    if newest and _NOT_KNOWN in query:
        return True
    return any(
        value is not None for values in (newest, *(each["values"] for each in answer["series"])) for value in values
    )


def step(name: str, check: Callable[[], tuple[str, bool]]) -> Step:
    """The step of a check; one that fails to run is a missing step."""
    try:
        text, ok = check()
    except (AiaError, OSError, LookupError, ValueError) as error:
        return Step(name, f"{type(error).__name__}: {error}", ok=False)
    return Step(name, text, ok)
