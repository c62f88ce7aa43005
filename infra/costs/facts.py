"""What the code and its deployment say of themselves, as far as it costs something."""

import functools
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from core.promql import duration, evaluation_interval
from core.settings.cron import starts_on
from functions.drift_score.shards import MODELS_A_SHARD

INFRA = Path(__file__).resolve().parent.parent
_SIZES = {"M": 2**20, "G": 2**30}
_COMPARISON = re.compile(r">=|<=|==|!=|>|<|\band\b|\bor\b|\bunless\b")
_BY_MODEL = re.compile(r"by \(model\b")
_EXPIRES = "expiration_days"
_DAY = date(2026, 1, 5)
"""By which ticks are counted."""
OBJECTIVES, UPTIME = 18, 1
"""Conditions of alert policies besides the rules: of three functions, two speeds with two windows and a floor of requests each
(`slos.tf`), and of the page; a public intake has one more (`uptime.tf`)."""
_WITHOUT_POINTS = frozenset({"generative"})
"""Groups of rules that return nothing for the stated workloads, which have no generative models."""
LABELLED = ("accuracy", "measure", "gap", "attribution")
"""Parts of the names of metrics that only models with labels or attributions have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A part of an alert condition that returns points.

    Attributes:
        evaluations: a day.
        by_model: whether it returns a point for each model; else one.
        labelled: whether only models with labels have the metric.
    """

    evaluations: float
    by_model: bool
    labelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of a deployment.

    Attributes:
        ticks: of drift_score, a day.
        jobs: of Cloud Scheduler.
        shard: models of one.
        memory: GiB of drift_score.
        slots_kept: days that counts of slots are kept.
        sums_kept: days that sums of windows are kept.
        distributions_kept: days that distributions of windows are kept.
        conditions: of alert policies: one of each rule, those of objectives and of uptime checks.
        clauses: of them.
    """

    ticks: int
    jobs: int
    shard: int
    memory: float
    slots_kept: int
    sums_kept: int
    distributions_kept: int
    conditions: int
    clauses: tuple[Clause, ...]


@functools.cache
def facts() -> Facts:
    """Of this repository: its settings, tables, functions and alert rules."""
    jobs = _yaml("monitoring.yaml")["jobs"]
    rules = [(group, rule) for path in sorted((INFRA / "alerts").glob("*.yaml")) for group, rule in _rules(path)]
    memory = _yaml("functions.yaml")["functions"]["drift_score"]["memory"]
    return Facts(
        ticks=starts_on(jobs["drift_score"], _DAY),
        jobs=len(jobs),
        shard=MODELS_A_SHARD,
        memory=int(memory[:-2]) * _SIZES[memory[-2]] / 2**30,
        slots_kept=_kept("ops.cell_counts"),
        sums_kept=_kept("ops.window_counts"),
        distributions_kept=_kept("ops.window_distributions"),
        conditions=len(rules) + OBJECTIVES + UPTIME,
        clauses=tuple(
            clause
            for group, rule in rules
            if group["name"] not in _WITHOUT_POINTS
            for clause in clauses(rule["expr"], group.get("interval", "1m"))
        ),
    )


def clauses(expression: str, interval: str) -> list[Clause]:
    """The parts between comparisons that read a metric: each is billed by the points that it returns.

    >>> [one.by_model for one in clauses("max by (model) (aia_x) < on (model) max by (model) (aia_y)", "5m")]
    [True, True]
    >>> [one.evaluations for one in clauses("up == 0 and up offset 9d == 1", "30s")]
    [24.0, 24.0]
    >>> clauses("up == 0", "30s")
    [Clause(evaluations=2880.0, by_model=False, labelled=False)]
    """
    every = evaluation_interval(expression, duration(interval))
    parts = [part for part in _COMPARISON.split(expression) if re.search(r"[a-z]\w*_\w+|\bup\b", part)]
    return [
        Clause(
            evaluations=timedelta(days=1) / every,
            by_model=bool(_BY_MODEL.search(part)),
            labelled=any(word in part for word in LABELLED),
        )
        for part in parts
    ]


def _rules(path: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    groups = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["groups"]
    return [(group, rule) for group in groups for rule in group["rules"] if "alert" in rule]


def _yaml(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((INFRA / name).read_text(), Loader=yaml.CSafeLoader)
    return found


def _kept(table: str) -> int:
    days: int = json.loads((INFRA / "tables" / f"{table}.json").read_text())["partition"][_EXPIRES]
    return days
