"""Every detector on an outside in memory, each made to give any verdict at any instant."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift import Counts, Profile
from core.errors import ActionError, BackupError, UnavailableError
from core.events import Event, Finding, RetrainingRequest, RunStatus, Severity, Tick
from core.health import SOURCE as PROBES
from core.health import ProbeReason, ProbeResult
from core.maintenance.configuration import ConfigurationKind
from core.maintenance.task import Schedule
from core.retraining.start import Training
from core.security.places import Places
from core.settings import (
    Automation,
    Expect,
    Features,
    HttpProbe,
    Model,
    Partner,
    Reference,
    Retraining,
    SecuritySettings,
    Settings,
    TrainingPipeline,
)
from functions.adapters.events import decode, encode
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.audit_events.watch import Outside as AuditOutside
from functions.audit_events.watch import handle as handle_entry
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import score_models
from functions.drift_score.statements import SECOND
from functions.drift_score.watch import Outside as Scoring
from functions.drift_score.window import WindowSummary
from functions.health_check.check import remember
from functions.maintenance import configuration as configuration_check
from functions.maintenance import maintenance, scan
from functions.maintenance.compared import Compared
from functions.maintenance.outside import Outside as Upkeep
from functions.maintenance.outside import Task
from functions.pipeline_monitor.monitor import Monitor, handle
from functions.retrain import trainer
from functions.services.detection import Tracker
from functions.services.incidents.delivery import delivery_observation
from functions.services.steps import Step
from functions.telemetry_rollup.partners import PartnerOutside, watch
from infra.local.past.results import RecordedResults
from tests.support.builders.audit_log import entry, policy
from tests.support.builders.runs import PIPELINE, told
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore
from tests.support.fakes.compared import MemoryDeployment, as_deployed, compared
from tests.support.fakes.scanned import OWNED, PUBLISHED, MemoryIam, scanned

BAD, GOOD, NOT_KNOWN = "x", ".", "?"
START = datetime(2026, 1, 2, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(number: int) -> datetime:
    """The instant of a verdict."""
    return START + number * HOUR


@dataclass
class Outside(Breaking):
    """What detectors find and do.

    Attributes:
        published: findings, in their order.
        down: whether the bus does not answer.
        jobs: trainings that were created, by their ids.
        marks: what a model's windows hold, by their ends.
    """

    published: list[Finding] = field(default_factory=list)
    down: bool = False
    jobs: dict[str, datetime] = field(default_factory=dict)
    marks: dict[datetime, str] = field(default_factory=dict)

    @property
    def store(self) -> MemoryStore:
        return MemoryStore(self, revision=self.boundaries)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        if isinstance(event, Finding):
            self.published.append(decode(encode(event), Finding))
        self.boundary()

    def query(self, sql: str, **_: Any) -> list[Data]:
        return [{"version": "7"}] if "version" in sql else []

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise NotImplementedError

    def found(self, key: str) -> list[Finding]:
        """The findings of a condition, each once, in the order in which it was first published."""
        first = dict[str, Finding]()
        for one in self.published:
            if one.condition == key:
                first.setdefault(one.id, one)
        return list(first.values())


@dataclass(frozen=True)
class Detector:
    """A detector, and one of the conditions that it watches.

    Attributes:
        name: of the function.
        key: of the condition.
        look: makes it conclude something, by a mark, of the instant of that number; safe to call again.
        fire_after: how many bad verdicts in a row make the condition fire.
        recover_after: how many good ones resolve it.
        repeat: whether every bad verdict is published while it fires.
        marks: the verdicts that it can give.
    """

    name: str
    key: str
    look: Callable[[Outside, str, int], None]
    fire_after: int = 1
    recover_after: int = 1
    repeat: bool = False
    marks: str = BAD + GOOD + NOT_KNOWN

    def __str__(self) -> str:
        return self.name


# Probes


SITE = HttpProbe(
    name="api", every=HOUR, url="http://h/", fail_after=3, recover_after=2, expect=Expect(latency=timedelta(seconds=1))
)
UP = ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail="HTTP 200")
RESULTS = {
    BAD: replace(UP, latency=1.5),
    GOOD: UP,
    NOT_KNOWN: replace(UP, ok=False, reason=ProbeReason.REFUSED),
}


def probe(outside: Outside, mark: str, number: int) -> None:
    """A target that is slow, or fast, or does not answer."""
    tracker = Tracker(outside.store, outside)
    remember(tracker, SITE, RESULTS[mark], at(number))
    tracker.publish_unsent(PROBES)


# Models


MODEL = Model(
    name="churn",
    owner="crm",
    table="telemetry.churn",
    timestamp="scored_at",
    id="prediction_id",
    score="risk",
    features=Features(numeric=("age",)),
    reference=Reference(days=1, until=date(2026, 1, 1)),
    window=HOUR,
    minimum_rows=50,
    fire_after=2,
    recover_after=2,
)
_ROWS = 60


@dataclass(frozen=True)
class MemoryPredictions:
    """A log of predictions whose windows hold what the marks say: moved, as the reference, or too few rows."""

    outside: Outside

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        return WindowSummary(version=None, rows=self._count(end), newest=end - timedelta(seconds=1))

    def rows(
        self,
        model: Model,
        start: datetime,
        end: datetime,
        *,
        most: int,
        names: Iterable[str],
        seconds: bool = False,
    ) -> dict[str, NDArray[Any]]:
        values = np.linspace(0.0, 1.0, self._count(end))[:most]
        moved = 2.0 if self.outside.marks.get(end) == BAD else 0.0
        columns = {name: values + moved * (name == "age") for name in names}
        return columns | ({SECOND: end.timestamp() - 3600 * values - 1} if seconds else {})

    def counts(self, window: object, profile: Profile) -> Counts:
        raise NotImplementedError

    def sample(self, window: object, profile: Profile) -> dict[str, NDArray[Any]]:
        raise NotImplementedError

    def counts_by(self, window: object, profile: Profile, by: str) -> dict[str, Counts]:
        raise NotImplementedError

    def count_labels(self, *_: object) -> int:
        raise NotImplementedError

    def _count(self, end: datetime) -> int:
        return 5 if self.outside.marks.get(end) == NOT_KNOWN else _ROWS


def model(outside: Outside, mark: str, number: int) -> None:
    """A window that drifted, or not, or of too few rows."""
    outside.marks[at(number)] = mark
    store, predictions = outside.store, MemoryPredictions(outside)
    scoring = Scoring(
        predictions=predictions,
        results=RecordedResults(),
        store=store,
        bus=outside,
        metrics=MemoryMetrics(outside),
        ledger=Ledger(store, lambda: outside.now, "drift_score"),
        profiles=Profiles(store, predictions),
    )
    score_models(Tick(job="drift_score", scheduled_at=at(number)), [MODEL], scoring)


# Pipelines


STATUSES = {BAD: RunStatus.FAILED, GOOD: RunStatus.SUCCEEDED, NOT_KNOWN: RunStatus.CANCELLED}


def pipeline(outside: Outside, mark: str, number: int) -> None:
    """A run that failed, or succeeded, or was cancelled."""
    monitor = Monitor(
        store=outside.store,
        bus=outside,
        warehouse=outside,
        metrics=MemoryMetrics(outside),
        jobs=lambda _name, _logged: [],
        usage=lambda _jobs, _start, _end: {},
        project="aia-local",
    )
    handle(monitor, told(STATUSES[mark], 60 * number, run=f"r{number}"))


# Trainings


TRAINED = replace(
    MODEL,
    retraining=Retraining(
        important=("age",), pipeline=TrainingPipeline(template="https://us-kfp.pkg.dev/p/r/train/v1", root="gs://b")
    ),
)


@dataclass(frozen=True)
class MemoryTrainings:
    """Trainings that are created at an instant, or refused."""

    outside: Outside
    refused: bool
    at: datetime

    def created_at(self, training: Training) -> datetime | None:
        return self.outside.jobs.get(training.job_id)

    def running(self, training: Training) -> str:
        return ""

    def start(self, training: Training) -> datetime:
        self.outside.boundary()
        if self.refused:
            raise ActionError("the template does not exist")
        return self.outside.jobs.setdefault(training.job_id, self.at)


def retraining(outside: Outside, mark: str, number: int) -> None:
    """A training that is refused, or started."""
    instant = at(number)
    trainings = MemoryTrainings(outside, mark == BAD, instant)
    made = trainer.Trainer(
        store=outside.store,
        bus=outside,
        warehouse=outside,
        metrics=MemoryMetrics(outside),
        clock=lambda: outside.now,
        trainings=lambda: trainings,
        models=lambda: {TRAINED.name: TRAINED},
        automation=Automation(),
    )
    request = RetrainingRequest(
        model=TRAINED.name,
        model_version="7",
        requested_at=instant,
        reason="drift",
        window_start=instant - 24 * HOUR,
        window_end=instant,
        n_labels=800,
    )
    trainer.handle(made, request)


# Channels


def channel(outside: Outside, mark: str, number: int, *, final: bool = False) -> None:
    """A channel that does not answer, or takes a message."""
    fault = "HTTP 500" if mark == BAD else ""
    Tracker(outside.store, outside).track(
        delivery_observation("pager", fault=fault, final=final and bool(fault), at=at(number))
    )


def refusing(outside: Outside, mark: str, number: int) -> None:
    """A channel that refuses a message for good, or takes it."""
    channel(outside, mark, number, final=True)


# Partners


BANK = Partner(name="bank", success_ratio=0.9, minimum_calls=10, no_verdict_after=None)
CALLS = {BAD: (20, 5), GOOD: (20, 0), NOT_KNOWN: (2, 2)}


@dataclass(frozen=True)
class PartnerLog:
    """The warehouse of the calls of an hour."""

    mark: str

    def query(self, _sql: str, **_: Any) -> list[Data]:
        calls, failures = CALLS[self.mark]
        return [{"partner": BANK.name, "calls": calls, "failures": failures, "seconds": 0.1}]

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise NotImplementedError


def partner(outside: Outside, mark: str, number: int) -> None:
    """A partner whose calls fail, or succeed, or who is hardly called."""
    calls = PartnerOutside(
        partners=(BANK,), warehouse=PartnerLog(mark), store=outside.store, bus=outside, metrics=MemoryMetrics(outside)
    )
    watch(Tick(job="telemetry_rollup", scheduled_at=at(number)), calls)


# The audit log


def bucket(outside: Outside, mark: str, number: int) -> None:
    """A bucket that everybody may read, or no longer."""
    delta = ("ADD" if mark == BAD else "REMOVE", "allUsers", "roles/storage.objectViewer")
    handle_entry(
        AuditOutside(
            store=outside.store,
            bus=outside,
            metrics=MemoryMetrics(outside),
            settings=SecuritySettings(),
            places=Places(),
        ),
        entry("bucket_public", at(number), id=f"e{number}", serviceData=policy(delta)),
    )


# Upkeep


class Runs:
    """The warehouse of the runs of upkeep: it takes them."""

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        """Take them."""

    def query(self, sql: str, **_: Any) -> list[Data]:
        return []


def upkeep_of(outside: Outside, given: Compared) -> Upkeep:
    """What tasks of upkeep use."""
    store = outside.store
    return Upkeep(
        settings=Settings(jobs={}),
        store=store,
        bus=outside,  # type: ignore[arg-type] # sends nothing again
        warehouse=Runs(),  # type: ignore[arg-type] # reads nothing
        metrics=MemoryMetrics(outside),
        ledger=Ledger(store, lambda: outside.now, "test"),
        clock=lambda: outside.now,
        deployment=lambda: {"functions": {}},
        texts=dict,
        tables=dict,
        scanned=scanned(),
        compared=given,
    )


def upkeep(outside: Outside, mark: str, number: int) -> None:
    """A task that is due each hour: it fails, or succeeds, or a dependency does not answer."""

    def step() -> str:
        if mark == BAD:
            raise BackupError("it cannot be restored")
        return ""

    task = Task(
        name="backup",
        schedule=Schedule(every=HOUR),
        severity=Severity.CRITICAL,
        steps=lambda _outside, _due: iter([Step("one", step)]),
    )
    system = upkeep_of(outside, compared())
    result = maintenance.handle(
        maintenance.Maintenance(outside=system, tasks=[task]), Tick(job="maintenance", scheduled_at=at(number))
    )
    if result and result.fault:
        raise result.fault


def security_scan(outside: Outside, mark: str, number: int) -> None:
    """A scan: everybody has a role, or nobody, or IAM does not answer."""
    error = UnavailableError("Resource Manager does not answer") if mark == NOT_KNOWN else None
    iam = MemoryIam(PUBLISHED if mark == BAD else OWNED, error=error)
    for step in scan.steps(scanned(iam), Tracker(outside.store, outside), at(number)):
        step.run()


def configuration(outside: Outside, mark: str, number: int) -> None:
    """A check of the configuration: a secret is old, or none is, or Secret Manager does not answer."""
    there: MemoryDeployment = as_deployed(at(number) - 400 * 24 * HOUR if mark == BAD else at(number))
    there.error = UnavailableError("Secret Manager does not answer") if mark == NOT_KNOWN else None
    system = upkeep_of(outside, compared(there))
    for step in configuration_check.steps(system, at(number)):
        if step.name == ConfigurationKind.AGE:
            step.run()


DETECTORS = (
    Detector("audit_events", "bucket/shop-exports:public_access", bucket, repeat=True, marks=BAD + GOOD),
    Detector("health_check", "probe/api:slow", probe, fire_after=3, recover_after=2),
    Detector("drift_score", "model/churn:drift", model, fire_after=2, recover_after=2, repeat=True),
    Detector("pipeline_monitor", f"pipeline/{PIPELINE}:pipeline_failed", pipeline, repeat=True),
    Detector("retrain", "model/churn:retraining_refused", retraining, marks=BAD + GOOD),
    Detector("maintenance", "maintenance/backup:maintenance_failed", upkeep, marks=BAD + GOOD),
    Detector("security scan", "compliance/iam-policy:iam_exposure", security_scan, repeat=True),
    Detector("configuration", "configuration/secret-ages:old_secret", configuration, repeat=True),
    Detector("telemetry_rollup", "partner/bank:partner_errors", partner, fire_after=2, recover_after=2),
    Detector("channels", "channel/pager:delivery", channel, fire_after=3, marks=BAD + GOOD),
    Detector("channels that refuse", "channel/pager:delivery", refusing, marks=BAD + GOOD),
)
