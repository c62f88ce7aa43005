"""What the system measures and knows of itself: probes, pipelines, dashboards, coverage, upkeep."""

import os
from pathlib import Path
from typing import Any

from core.access import Role
from functions.api import runbooks
from functions.api.deployment import deployment
from functions.api.findings import OF_CONDITIONS, OF_FINDINGS
from functions.api.operation import Kind, act, get
from functions.api.parameters import PAGED, RANGE, Choice, Parameter, Text, Whole
from functions.api.probe_history import PERIODS
from functions.api.request import Request
from functions.api.services import Services
from functions.api.signals import OF_SIGNALS, OF_VALUES
from functions.api.tile_request import LONGEST_STEP, SHORTEST_STEP
from functions.services.api_schemas import bodies
from functions.services.api_schemas.findings import Conditions, Findings, KnownSignal, SignalValues
from functions.services.api_schemas.system import (
    Backfills,
    ComplianceItem,
    Coverage,
    DashboardLayout,
    DeadLetters,
    Dependency,
    Deployment,
    Me,
    Named,
    Pipeline,
    Probe,
    ProbeHistory,
    Resource,
    Rules,
    TileData,
    Upkeep,
    WholeDeadLetter,
)

_SECONDS = Whole(0, 1 << 33)
_TILE = (
    Parameter("start", _SECONDS, "Unix seconds; an hour before the end where it is not given."),
    Parameter("end", _SECONDS, "Unix seconds; now where it is not given."),
    Parameter("step", Whole(SHORTEST_STEP, LONGEST_STEP), "Seconds between two values; as fits where it is not given."),
)
_LETTER = "/dead-letters/{identifier}"


def _pipelines(services: Services, request: Request) -> Any:  # noqa: ANN401 - a list of data
    found = services.pipelines
    if (name := request.values["name"]) is not None:
        return [found.one(name)]
    return found.live() if request.values["running"] else found.all()


def _me(_services: Any, request: Request) -> dict[str, str]:  # noqa: ANN401 - not opened
    return {
        "by": request.person,
        "role": request.role().name.lower(),
        "runbooks": os.environ.get("AIA_RUNBOOKS_URL") or "/runbooks",
    }


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


OPERATIONS = (
    get("/me", "me", "Who is signed in", Me, _me, opens=False, personal=True),
    get(
        "/probes",
        "probes",
        "Probes with their newest result",
        list[Probe],
        lambda services, _request: services.views.probes(),
        measures=True,
    ),
    get(
        "/probes/history",
        "probe_history",
        "How each probe did, by half an hour of at most two days, or by day",
        ProbeHistory,
        lambda services, request: services.probe_history.all(request.values),
        parameters=(
            Parameter("period", Choice(tuple(PERIODS)), "How far back, where no `since` is given.", "24h"),
            *RANGE,
        ),
        measures=True,
        patience=15.0,
    ),
    get(
        "/pipelines",
        "pipelines",
        "Pipelines with their newest runs",
        list[Pipeline],
        _pipelines,
        parameters=(
            Parameter("running", Choice(("true",)), "Only those with a run that has not ended."),
            Parameter("name", Text(300), "Only this one, as it is now."),
        ),
        measures=True,
    ),
    get(
        "/dashboards",
        "dashboards",
        "The dashboards",
        list[Named],
        lambda services, _request: services.dashboards.titles(),
    ),
    get(
        "/dashboards/{name}",
        "dashboard",
        "The layout of a dashboard",
        DashboardLayout,
        lambda services, _request, name: services.dashboards.layout(name),
    ),
    get(
        "/dashboards/{name}/tiles/{index}",
        "tile",
        "The data of a tile; further parameters are the variables of the dashboard",
        TileData,
        lambda services, request, name, index: services.dashboards.tile(name, index, request),
        converts={"index": "int"},
        parameters=_TILE,
        measures=True,
        patience=15.0,
    ),
    get(
        "/rules",
        "rules",
        "Alert rules without data",
        Rules,
        lambda services, _request: services.rules.all(),
        measures=True,
    ),
    get(
        "/conditions",
        "conditions",
        "Every condition that detectors judge, as it is now, by its key",
        Conditions,
        lambda services, request: services.findings.conditions(request.values),
        parameters=OF_CONDITIONS,
        measures=True,
    ),
    get(
        "/findings",
        "findings",
        "Findings of detectors and other systems, the newest first, of the last 7 days where no range is given",
        Findings,
        lambda services, request: services.findings.published(request.values),
        parameters=OF_FINDINGS,
        patience=10.0,
    ),
    get(
        "/signals",
        "signals",
        "Signals of every area, and how they are watched",
        list[KnownSignal],
        lambda services, request: services.signals.all(request.values),
        parameters=OF_SIGNALS,
        patience=15.0,
    ),
    get(
        "/signals/{metric}/values",
        "signal_values",
        "The values of a metric over time",
        SignalValues,
        lambda services, request, metric: services.signals.values(metric, request.values),
        parameters=OF_VALUES,
        measures=True,
        patience=15.0,
    ),
    get(
        "/coverage",
        "coverage",
        "What is watched",
        Coverage,
        lambda services, _request: services.coverage.all(),
        patience=15.0,
    ),
    get(
        "/capacity",
        "capacity",
        "Resources with a limit, and their forecast",
        list[Resource],
        lambda services, _request: services.capacity.all(),
        measures=True,
    ),
    get(
        "/dependencies",
        "dependencies",
        "Dependencies that traces show, of the last 24 hours where no range is given, at most of 3 days",
        list[Dependency],
        lambda services, request: services.dependencies.seen(request.values),
        parameters=RANGE,
        patience=15.0,
    ),
    get(
        "/compliance",
        "compliance",
        "The list of compliance by what the audit log shows",
        list[ComplianceItem],
        lambda services, _request: services.compliance.all(),
    ),
    get(
        "/maintenance",
        "maintenance",
        "The tasks of upkeep, backups, checks and advice",
        Upkeep,
        lambda services, _request: services.maintenance.all(),
        patience=10.0,
    ),
    get(
        "/dead-letters",
        "dead_letters",
        "Messages of the last 30 days that could not be handled, the newest first",
        DeadLetters,
        lambda services, request: services.maintenance.listed(request.values),
        parameters=(*PAGED, *RANGE),
        patience=15.0,
    ),
    get(
        _LETTER,
        "dead_letter",
        "A dead letter with what it says",
        WholeDeadLetter,
        lambda services, _request, identifier: services.maintenance.dead_letter(identifier),
        patience=15.0,
    ),
    act(
        f"{_LETTER}/resend",
        "send_again",
        "Send a dead letter again, once",
        bodies.SentAgain,
        lambda services, request, identifier: services.maintenance.send_again(request, identifier),
        role=Role.OPERATOR,
    ),
    get(
        "/backfills",
        "backfills",
        "What is being loaded",
        Backfills,
        lambda services, _request: services.backfills.all(),
    ),
    get(
        "/deployment",
        "deployment",
        "Where the deployment is",
        Deployment,
        lambda _services, _request: deployment(),
        opens=False,
    ),
    get(
        "/runbooks/{name}",
        "runbook",
        "A runbook",
        str,
        lambda _services, _request, name: _text(runbooks.named(name)),
        opens=False,
        kind=Kind.MARKDOWN,
    ),
    get(
        "/guides/{name}",
        "guide",
        "A guide",
        str,
        lambda _services, _request, name: _text(runbooks.guide(name)),
        opens=False,
        kind=Kind.MARKDOWN,
    ),
)
