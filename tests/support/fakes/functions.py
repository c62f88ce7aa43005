"""Every function that takes push requests: what it takes, what it refuses, and the outside that it needs for that."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import flask
import msgspec

from core.events import Command, RetrainingRequest, RunStatus, ScoringShard, SweepBatch, Verb
from core.maintenance.backup import Digest, Manifest, backup_id
from core.maintenance.task import Progress, RunOutcome
from core.retraining.start import Training
from core.settings import CapacitySettings, Promotion, ReportSchedule, Retraining, Settings, TrainingPipeline, parse
from core.settings.channels import ConsoleChannel
from core.settings.response import ActionName
from functions.action_runner.main import build as action_runner
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.alert_intake.main import build as alert_intake
from functions.audit_events.main import build as audit_events
from functions.bi_rollup.main import build as bi_rollup
from functions.capacity.main import build as capacity
from functions.drift_score.main import build as drift_score
from functions.drift_score.statements import SECOND
from functions.health_check.main import build as health_check
from functions.incident_router.main import build as incident_router
from functions.incident_sweep.main import build as incident_sweep
from functions.maintenance.main import build as maintenance
from functions.maintenance.registry import TASKS
from functions.otlp.main import build as otlp
from functions.pipeline_monitor.main import build as pipeline_monitor
from functions.promotion.main import build as promotion
from functions.promotion.versions import ENTRANTS
from functions.retrain.main import build as retrain
from functions.runtime.authenticator import Authenticator
from functions.runtime.ports import Ports
from functions.service_rollup.main import build as service_rollup
from functions.services.actions import INCIDENTS
from functions.services.maintenance import save as save_progress
from functions.telemetry_rollup.main import build as telemetry_rollup
from tests.support.builders.audit_log import logged
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import DAY, TRAINED, Row, flights, version
from tests.support.builders.runs import told
from tests.support.fakes import automation
from tests.support.fakes.capacity import RESOURCE, Leak
from tests.support.fakes.compared import compared
from tests.support.fakes.deployed import NOW, Case, Deployed, Unanswering, tick
from tests.support.fakes.intake import payload
from tests.support.fakes.otlp import span, traces
from tests.support.fakes.outside import FINDING
from tests.support.fakes.ports import posted, push
from tests.support.fakes.scanned import scanned
from tests.support.servers.targets import tcp_probe


class Flights:
    """The warehouse of drift_score: one version of one model, what it learnt from, and a day on which it is warmer."""

    def __init__(self) -> None:
        learnt = flights(800, TRAINED, seed=1, span=10 * DAY)
        self._rows = [*learnt, *flights(200, NOW, seed=2, shift=15)]
        self._version = {key: _instant(value) for key, value in version().items()}

    def __call__(self, sql: str, parameters: Data) -> list[Data]:
        if "n_rows" in sql:
            found = self._between(parameters)
            newest = max((_instant(row["scored_at"]) for row in found), default=None)
            used = self._version | {"in_use_from": self._version["created_at"]}
            return [used | {"n_rows": len(found), "newest": newest}]
        if "TO_JSON_STRING" in sql:
            found = self._between(parameters)
            return [{"chunk": json.dumps([row | {SECOND: _instant(row["scored_at"]).timestamp()} for row in found])}]
        return []

    def _between(self, parameters: Data) -> list[Row]:
        start, end = parameters["window_start"], parameters["window_end"]
        return [row for row in self._rows if start <= _instant(row["scored_at"]) < end]


def _instant(text: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


class MemoryTrainings:
    """Vertex AI, which starts what it is asked for."""

    def __init__(self) -> None:
        self.started: dict[str, datetime] = {}

    def created_at(self, training: Training) -> datetime | None:
        return self.started.get(training.job_id)

    def running(self, training: Training) -> str:
        return ""

    def start(self, training: Training) -> datetime:
        return self.started.setdefault(training.job_id, NOW)


def _business(sql: str, _: Data) -> list[Data]:
    if "ops.action_decisions" in sql:
        return [{"escalations": 1, "applied": 2, "failed": 0}]
    if "telemetry.experience" in sql:
        return [{"requests": 500, "failures": 1, "loads": 40, "load_seconds": 1.2}]
    return []


def _people(_: str, __: Data) -> list[Data]:
    seen = {"sessions": 12, "timed": 9, "session_seconds": 61.5, "frames": 400, "frame_seconds": 0.02}
    return [
        seen | {"service": "shop", "device": "mobile", "loads": 3, "load_seconds": 1.5, "requests": 50, "failures": 1}
    ]


def _operations(sql: str, _: Data) -> list[Data]:
    if "service_minutes" not in sql or "MERGE" in sql:
        return []
    counts = {"calls": 60.0, "failures": 3.0, "timeouts": 0.0, "other_services": 0, "other_names": 0}
    return [counts | {"service": "shop", "operation": "request", "name": "/a", "buckets": [{"bucket": 0, "n": 60.0}]}]


def _untold(deployed: Deployed) -> None:
    """An incident of which the bus did not hear."""
    ports = deployed.ports("incident_router")
    ports.bus = Unanswering()
    assert incident_router(ports)(posted(push(encode(FOUND), NOW.isoformat())))[1] == 503


_BACKUP = NOW.replace(hour=1)
FOUND = replace(FINDING, observed_at=NOW)
PEOPLE = parse(
    {
        "version": 1,
        "jobs": {},
        "channels": [{"name": "log", "kind": "console"}],
        "stakeholders": {"technical": {"tiers": [{"to": ["log"]}]}},
        "routes": [{"when": {}, "to": ["technical"]}],
    }
)
TRAINABLE = replace(
    MODEL, retraining=Retraining(important=("distance",), pipeline=TrainingPipeline(template="gs://t", root="gs://r"))
)
ASKED = RetrainingRequest(
    model=MODEL.name,
    model_version="1",
    requested_at=NOW,
    reason="drift",
    window_start=NOW - 60 * DAY,
    window_end=NOW,
    n_labels=800,
)


def _requested(deployed: Deployed) -> None:
    """The incident of a request."""
    deployed.ports("incident_router").store.create(
        INCIDENTS, automation.INCIDENT, automation.requested(automation.REQUEST)
    )


def _action_runner(ports: Ports) -> Callable[[flask.Request], Any]:
    return action_runner(ports, dict.fromkeys(ActionName, automation.MemoryAction(automation.World())))


def _capacity(ports: Any) -> Callable[[flask.Request], Any]:
    ports.prometheus = Leak()
    return capacity(ports)


def _alert_intake(ports: Ports) -> Callable[[flask.Request], Any]:
    return alert_intake(ports, Authenticator(), ())


def _otlp(ports: Ports) -> Callable[[flask.Request], Any]:
    return otlp(ports, Authenticator(), lambda: ports.bus)


def _versions(sql: str, _: Data) -> list[Data]:
    """Version 1 in use, and version 2 registered after it."""
    if sql == ENTRANTS:
        return [{"model": MODEL.name, "champion": "1", "former": None, "entrant": "2", "unseen_from": None}]
    return [{"version": "2"}]


def _maintenance(ports: Ports) -> Callable[[flask.Request], Any]:
    return maintenance(ports, scanned(), compared())


def _a_day_before(deployed: Deployed) -> None:
    """The tasks were done."""
    store = deployed.ports("maintenance").store
    for task in TASKS:
        save_progress(store, task.name, Progress(due=NOW - 8 * DAY, outcome=RunOutcome.DONE))


def _upkeep(sql: str, parameters: Data) -> list[Data]:
    """A dead letter, and no table to back up."""
    if "WHERE id = @id" in sql:
        body = base64.b64encode(push(encode(FOUND))).decode()
        row = {"received_at": NOW, "n_parked": 1, "function": "retrain", "subscription": "retrain", "message_id": "7"}
        return [row | {"id": "a", "reason": "why", "body": body, "attributes": "{}"}]
    if "SELECT status, detail, manifest" in sql:
        manifest = Manifest(id=backup_id(_BACKUP), at=_BACKUP, export="e", tables=(), documents=0, digest=Digest().text)
        text = msgspec.json.encode(manifest).decode()
        return [{"manifest": text, "status": "complete", "detail": ""}]
    return [{"n": 0}] if "AS n FROM" in sql and "GROUP BY" not in sql else []


def _pipeline_monitor(ports: Ports) -> Callable[[flask.Request], Any]:
    return pipeline_monitor(ports, lambda _name, _logged: [])


def _retrain(ports: Ports) -> Callable[[flask.Request], Any]:
    return retrain(ports, MemoryTrainings)


CASES = (
    Case(
        name="action_runner",
        build=_action_runner,
        takes=(
            encode(automation.REQUEST),
            encode(automation.commanded(Verb.HALT, "*", at=automation.START)),
            tick("action_runner", automation.START),
        ),
        refuses=(encode(FOUND), "type: must be one of action_request, command, tick, got 'finding'"),
        settings=Settings(jobs={}, playbooks=(automation.PLAYBOOK,)),
        before=_requested,
        now=automation.START,
    ),
    Case(
        name="alert_intake",
        build=_alert_intake,
        takes=(payload("gcm_test_notification.json"),),
        refuses=(tick("alert_intake"), "body: must be of a known format"),
        tells="alert_not_understood",
    ),
    Case(
        name="audit_events",
        build=audit_events,
        takes=(logged("set_iam_policy", NOW), tick("audit_events")),
        refuses=(encode(FOUND), "type: must be 'tick', got 'finding'"),
    ),
    Case(
        name="bi_rollup",
        build=bi_rollup,
        takes=(
            tick("bi_rollup"),
            encode(Command(verb=Verb.SEND_REPORT, subject="operations:2026-W01", by="ada", at=NOW)),
        ),
        refuses=(encode(FOUND), "type: must be 'command' or 'tick', got 'finding'"),
        settings=Settings(
            jobs={}, channels=(ConsoleChannel(name="log"),), reports=(ReportSchedule(report="operations", to=("log",)),)
        ),
        answers=_business,
    ),
    Case(
        name="drift_score",
        build=drift_score,
        takes=(encode(ScoringShard(scheduled_at=NOW, models=(MODEL.name,))), tick("drift_score")),
        refuses=(encode(FOUND), "type: must be 'scoring_shard' or 'table_count' or 'tick', got 'finding'"),
        settings=Settings(jobs={}, models=(replace(MODEL, label=None),)),
        answers=Flights(),
    ),
    Case(
        name="health_check",
        build=health_check,
        takes=(tick("health_check"),),
        refuses=(encode(FOUND), "type: must be 'tick', got 'finding'"),
        settings=Settings(jobs={}, probes=(tcp_probe(1, host="x" * 70, fail_after=1),)),
    ),
    Case(
        name="incident_router",
        build=incident_router,
        takes=(encode(FOUND), encode(Command(verb=Verb.SILENCE, subject="model/*", by="ada", at=NOW, until=NOW + DAY))),
        refuses=(tick("incident_router"), "type: must be 'finding' or 'command' or 'action_decision', got 'tick'"),
        settings=PEOPLE,
    ),
    Case(
        name="incident_sweep",
        build=incident_sweep,
        takes=(encode(SweepBatch(scheduled_at=NOW, groups=(FOUND.target,))), tick("incident_sweep")),
        refuses=(encode(FOUND), "type: must be 'sweep_batch' or 'tick', got 'finding'"),
        settings=PEOPLE,
        before=_untold,
    ),
    Case(
        name="otlp",
        build=_otlp,
        takes=(traces(span(NOW), span(NOW, span_id=b"2" * 8)).SerializeToString(),),
        refuses=(b"neither", "body: must be ExportTraceServiceRequest in protobuf"),
        attributes={"ce-type": "org.opentelemetry.otlp.traces.v1", "content-type": "application/protobuf"},
    ),
    Case(
        name="maintenance",
        build=_maintenance,
        takes=(
            encode(Command(verb=Verb.SEND_AGAIN, subject="a", by="ada", at=NOW)),
            tick("maintenance"),
        ),
        refuses=(encode(FOUND), "type: must be 'command' or 'tick', got 'finding'"),
        answers=_upkeep,
        before=_a_day_before,
    ),
    Case(
        name="pipeline_monitor",
        build=_pipeline_monitor,
        takes=(encode(told(RunStatus.FAILED, 10, start=0, error="no memory")), tick("pipeline_monitor")),
        refuses=(encode(FOUND), "type: must be 'pipeline_run', 'registry_change' or 'tick', got 'finding'"),
    ),
    Case(
        name="promotion",
        build=promotion,
        takes=(
            encode(Command(verb=Verb.PROMOTE, subject=MODEL.name, by="ada", at=NOW, to="2")),
            tick("promotion"),
        ),
        refuses=(encode(FOUND), "type: must be 'command' or 'tick', got 'finding'"),
        settings=Settings(jobs={}, models=(replace(MODEL, promotion=Promotion()),)),
        answers=_versions,
    ),
    Case(
        name="retrain",
        build=_retrain,
        takes=(encode(ASKED),),
        refuses=(encode(FOUND), "type: must be 'retraining_request', got 'finding'"),
        settings=Settings(jobs={}, models=(TRAINABLE,)),
        answers=lambda _sql, _parameters: [{"version": "1", "outcome": "trained"}],
    ),
    Case(
        name="service_rollup",
        build=service_rollup,
        takes=(tick("service_rollup"),),
        refuses=(encode(FOUND), "type: must be 'tick', got 'finding'"),
        answers=_operations,
    ),
    Case(
        name="capacity",
        build=_capacity,
        takes=(tick("capacity"),),
        refuses=(encode(FOUND), "type: must be 'tick', got 'finding'"),
        settings=Settings(jobs={}, capacity=CapacitySettings(resources=(RESOURCE,), anomalies=("aia_probe_up",))),
    ),
    Case(
        name="telemetry_rollup",
        build=telemetry_rollup,
        takes=(tick("telemetry_rollup"),),
        refuses=(encode(FOUND), "type: must be 'tick', got 'finding'"),
        answers=_people,
    ),
)
