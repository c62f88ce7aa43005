"""A storm of alerts: what is watched, who is told, and what comes in, the same for the same seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import yaml

from core.events import Finding, Severity, Status
from core.incidents.policy import IncidentPolicy, incident_policy
from core.settings import parse

SORTS = ("stream", "service", "endpoint", "database", "cache")
"""A product is a stream of income, the service it comes through, the endpoint that this asks, a database and a cache."""
KINDS = {"latency": "seconds", "errors": "ratio", "drift": "", "saturation": "ratio", "availability": "ratio"}
FOREIGN = frozenset({"errors", "saturation"})
"""What another system notices, of every fifth product."""
SHARED = "host/storage"
PAGER_KEYS = {"pager": "a" * 32, "desk": "b" * 32, "bridge": "c" * 32}
"""The integration keys of the PagerDuty channels: the storm's, and those of what is measured before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much comes in.

    Attributes:
        seed: of everything random.
        alerts: how many.
        seconds: in which time.
        products: of five targets with five conditions each.
        critical: how many of the products have a critical condition.
    """

    seed: int = 1
    alerts: int = 10_000
    seconds: float = 60.0
    products: int = 80
    critical: int = 40

    @property
    def quick(self) -> "Plan":
        """A fifth of it, at the same rate."""
        few = {name: getattr(self, name) // 5 for name in ("alerts", "products", "critical")}
        return replace(self, seconds=self.seconds / 5, **few)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of the storm.

    Attributes:
        due: seconds after the storm's beginning.
        target: what it is about.
        kind: what was noticed.
        status: whether it holds.
        severity: how bad it is; a condition keeps its own.
        repeats: the number of the alert that it is an exact duplicate of, or None.
        foreign: whether another system noticed.
    """

    due: float
    target: str
    kind: str
    status: Status
    severity: Severity
    repeats: int | None = None
    foreign: bool = False

    def finding(self, start: datetime) -> Finding:
        """The finding, where the storm began at the instant."""
        return Finding(
            target=self.target,
            kind=self.kind,
            status=self.status,
            severity=self.severity,
            observed_at=start + timedelta(seconds=self.due),
            source="storm",
            summary=f"{self.kind} of {self.target} is not as it should be",
            value=2.0,
            threshold=1.0,
            unit=KINDS[self.kind],
            evidence={"p95": "2 s", "instances": "3 of 4"},
            runbook="system.md#channels",
        )

    def foreign_body(self) -> dict[str, Any]:
        """The alert as Alertmanager spells it."""
        return {
            "status": self.status.value,
            "labels": {"alertname": self.kind, "target": self.target, "severity": self.severity.value},
            "annotations": {"summary": f"{self.kind} of {self.target} is not as it should be", "value": "2"},
        }


def storm(plan: Plan) -> list[Alert]:
    """All alerts in order: every condition fires once, a fifth of all are exact duplicates, of the others a quarter flips."""
    rng = random.Random(plan.seed)
    conditions = _conditions(plan, rng)
    rng.shuffle(conditions)
    firing: dict[tuple[str, str], bool] = {}
    alerts: list[Alert] = []
    for number in range(plan.alerts):
        due = number * plan.seconds / plan.alerts
        if number >= len(conditions) and rng.random() < 0.25:
            alerts.append(_again(alerts, rng.randrange(max(0, number - 500), number), due))
            continue
        fresh = conditions[number] if number < len(conditions) else rng.choice(conditions)
        key = fresh.target, fresh.kind
        firing[key] = key not in firing or firing[key] != (rng.random() < 0.25)
        alerts.append(replace(fresh, due=due, status=Status.FIRING if firing[key] else Status.RESOLVED))
    return alerts


def _again(alerts: list[Alert], number: int, due: float) -> Alert:
    first = alerts[number].repeats
    return replace(alerts[number], due=due, repeats=number if first is None else first)


def _conditions(plan: Plan, rng: random.Random) -> list[Alert]:
    """Every condition, firing; the service of each of the first products has a critical one, others have lesser ones."""
    found = []
    for product in range(plan.products):
        for sort in SORTS:
            for kind in KINDS:
                worst = product < plan.critical and (sort, kind) == ("service", "availability")
                severity = Severity.CRITICAL if worst else rng.choice((Severity.INFO, Severity.WARNING, Severity.ERROR))
                foreign = product % 5 == 4 and kind in FOREIGN
                target = f"{sort}/p{product:02d}"
                alert = Alert(due=0, target=target, kind=kind, status=Status.FIRING, severity=severity, foreign=foreign)
                found.append(alert)
    return found


def page(number: int, at: datetime) -> Finding:
    """A critical finding that opens an incident of its own, told to one of two pagers."""
    alert = Alert(due=0, target="", kind="availability", status=Status.FIRING, severity=Severity.CRITICAL)
    return replace(alert.finding(at), target=f"pod/{'desk' if number % 2 else 'bridge'}-{number}")


def settings(plan: Plan, *, pagerduty: str, slack: str) -> dict[str, Any]:
    """The settings of the storm, as monitoring.yaml would hold them.

    Args:
        plan: how much is watched.
        pagerduty: the address of the Events API.
        slack: the address of an incoming webhook.
    """
    products = [f"p{number:02d}" for number in range(plan.products)]
    return {
        "version": 1,
        "jobs": dict.fromkeys(("drift_score", "health_check", "incident_sweep", "action_runner"), "* * * * *"),
        "dependencies": list(_dependencies(products)),
        "revenue": {f"stream/{name}": {"dollars_per_hour": 500, "uncertainty": 0.3} for name in products},
        "impact": {"raise": {"error": 400}},
        "channels": [
            {"name": "log", "kind": "console"},
            {"name": "chat", "kind": "slack", "url": slack},
            *(
                {"name": name, "kind": "pagerduty", "key": key, "url": pagerduty} | ({} if name == "pager" else _FAST)
                for name, key in PAGER_KEYS.items()
            ),
        ],
        "stakeholders": {
            "technical": {"tiers": [{"to": ["chat", "log"]}, {"to": ["pager"]}], "page": ["critical"]},
            "operations": {"tiers": [{"to": ["pager"]}], "page": ["critical"]},
            "business": {"tiers": [{"to": ["desk"]}], "remind_every": "never"},
            "executive": {"tiers": [{"to": ["bridge"]}], "remind_every": "never"},
        },
        "routes": [
            {"when": {"severity": ["warning", "error", "critical"], "targets": _TARGETS}, "to": ["technical"]},
            {"when": {"severity": ["critical"], "targets": _TARGETS}, "to": ["operations"]},
            {"when": {"targets": ["pod/desk-*"]}, "to": ["business"]},
            {"when": {"targets": ["pod/bridge-*"]}, "to": ["executive"]},
        ],
    }


_FAST = {"per_minute": 120}
_TARGETS = [*(f"{sort}/*" for sort in SORTS), SHARED]


def _dependencies(products: list[str]) -> Iterator[Mapping[str, Any]]:
    for name in products:
        yield {"from": f"stream/{name}", "to": f"service/{name}"}
        yield {"from": f"service/{name}", "to": f"endpoint/{name}", "share": 0.5}
        yield {"from": f"service/{name}", "to": f"cache/{name}", "share": 0.2}
        yield {"from": f"endpoint/{name}", "to": f"database/{name}"}
        yield {"from": f"database/{name}", "to": SHARED}


def policy(plan: Plan) -> IncidentPolicy:
    """What decisions go by in the storm."""

    return incident_policy(parse(settings(plan, pagerduty="http://127.0.0.1/", slack="http://127.0.0.1/")), "")


def text(document: Mapping[str, Any]) -> str:
    """The settings as the file holds them."""
    return yaml.safe_dump(dict(document), sort_keys=False)
