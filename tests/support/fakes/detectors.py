"""Every detector on an outside in memory, each made to give any verdict at any instant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift import Counts, Profile
from core.errors import ActionError
from core.events import RetrainingRequest, RunStatus, Tick
from core.health import SOURCE as PROBES
from core.health import ProbeReason, ProbeResult
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
    TrainingPipeline,
)
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
from functions.pipeline_monitor.monitor import Monitor, handle
from functions.retrain import trainer
from functions.services.detection import Tracker
from functions.services.incidents.delivery import delivery_observation
from functions.telemetry_rollup.partners import PartnerOutside, watch
from infra.local.past.results import RecordedResults
from tests.support.builders.audit_log import entry, policy
from tests.support.builders.runs import PIPELINE, told
from tests.support.crash.breaking import MemoryMetrics
from tests.support.fakes.detector import BAD, GOOD, HOUR, NOT_KNOWN, Detector, Outside, at
from tests.support.fakes.upkeep_detectors import configuration, security_scan, upkeep

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


def channel(outside: Outside, mark: str, number: int, *, final: bool = False) -> None:
    """A channel that does not answer, or takes a message."""
    fault = "HTTP 500" if mark == BAD else ""
    Tracker(outside.store, outside).track(
        delivery_observation("pager", fault=fault, final=final and bool(fault), at=at(number))
    )


def refusing(outside: Outside, mark: str, number: int) -> None:
    """A channel that refuses a message for good, or takes it."""
    channel(outside, mark, number, final=True)


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
