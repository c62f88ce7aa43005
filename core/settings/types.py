"""The settings as types. They are made by `parse`, which has checked every value; a test may make its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from core.settings.business import Business
from core.settings.people import Channel, People
from core.settings.response import Automation, ImpactPolicy, Maintenance, Playbook, Policy, Resource, Revenue, Rule


class Task(StrEnum):
    """What a model predicts."""

    CLASSIFICATION = "classification"
    """Whether something happens: the score is its probability, the label 0 or 1 (false or true)."""
    REGRESSION = "regression"
    """How much: score and label are numbers in one unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Where the truth of a model's predictions arrives.

    Attributes:
        table: the table it arrives in, joined by the model's `id`; the model's own where none is given.
        column: the column that holds it.
        arrives_within: how long after the prediction it may take.
    """

    table: str
    column: str
    arrives_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The columns a model reads, none of them twice."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the numeric ones first."""
        return self.numeric + self.categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The window that is normal: so many days, up to the day `until`, or to where the version's training data ended."""

    days: int
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """When a change of a feature is called drift.

    Attributes:
        shift: the smallest change that matters, as the shift of a normal feature in standard deviations.
        false_alarms: how often a window without drift may be alarmed, over all features.
        seasonal: whether `shift` counts beyond what the feature moves by when nothing is wrong, as the windows within the
            reference show it.
    """

    shift: float = 0.1
    false_alarms: float = 0.01
    seasonal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """When the data of a window is called wrong, whatever its distribution.

    Attributes:
        share: by how much the share of rows with a flaw may exceed the reference's, beyond what chance explains; 0 to 1.
        volume: by which factor the rows may fall short of what the reference lets expect, or exceed it; above 1.
        age: how old the newest row may be.
    """

    share: float = 0.01
    volume: float = 2.0
    age: timedelta = timedelta(days=1)


Parameter = bool | int | float | str | list["Parameter"] | dict[str, "Parameter"]
"""A value of a pipeline's parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPipeline:
    """What trains a model on Vertex AI: a pipeline in a Kubeflow repository of Artifact Registry.

    Attributes:
        template: `https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/NAME/VERSION`.
        root: `gs://bucket/folder`, under which a run writes.
        location: the region it runs in; the template's where it is empty.
        service_account: the e-mail address of the account it runs as; Vertex AI's own choice where it is empty.
        parameters: what it is given beside `GIVEN`.
    """

    GIVEN: ClassVar[tuple[str, ...]] = ("model", "model_version", "window_start", "window_end", "request_id")
    """The parameters that every training is given: from the request."""

    template: str
    root: str
    location: str = ""
    service_account: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The region or multi-region of the template's repository."""
        return self.template.removeprefix("https://").partition("-kfp.")[0]

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.location or self.place

    @property
    def name(self) -> str:
        """The name of the pipeline, which its template has in the repository."""
        return self.template.split("/")[-2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """When a model is asked to be trained again, and on what.

    How many features must have drifted is a number and no share: `important` is a short list that somebody wrote, a
    number of it is exact where a share would be rounded, and it means the same when a feature is added.

    Attributes:
        important: the features whose drift is a cause, none of them twice; all of the model's where the file names none.
        drifted: how many of them must have drifted.
        cooldown: the least time between two requests.
        minimum_labels: with fewer labels in the data to train on, it is not asked for.
        window: how much data to train on.
        pipeline: what trains it; where there is none, requests are kept, and whoever reads them trains.
    """

    important: tuple[str, ...]
    drifted: int = 1
    cooldown: timedelta = timedelta(hours=6)
    minimum_labels: int = 1000
    window: timedelta = timedelta(days=60)
    pipeline: TrainingPipeline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model whose predictions are watched.

    Attributes:
        name: the model, as in the column `model` of its table.
        owner: the team that answers for it.
        table: the predictions, as `dataset.table` or `project.dataset.table`.
        timestamp: the column of the instant of a prediction.
        id: the column that tells predictions apart.
        score: the column of the predicted score.
        label: where the truth arrives, if it does.
        features: the columns that are compared with the reference.
        reference: the window that is normal.
        window: the length of the current window.
        task: what it predicts.
        decision: from which score on a classifier says yes, 0 to 1.
        drift: when a change is called drift.
        quality: when the data is called wrong.
        exact_rows: a window of more rows is counted in the warehouse, and no row of it is read.
        minimum_rows: with fewer in a window nothing is concluded from it.
        fire_after: how many windows in a row must drift.
        recover_after: how many in a row must not.
        accuracy_floor: the least accuracy that is accepted, 0 to 1, if any is agreed on.
        segments: the columns whose values are looked at one by one.
        retraining: when it is asked to be trained again; never where there is none.
    """

    name: str
    owner: str
    table: str
    timestamp: str
    id: str
    score: str
    features: Features
    reference: Reference
    window: timedelta
    label: Label | None = None
    task: Task = Task.CLASSIFICATION
    decision: float = 0.5
    drift: Sensitivity = field(default_factory=Sensitivity)
    quality: Quality = field(default_factory=Quality)
    exact_rows: int = 50_000
    minimum_rows: int = 200
    fire_after: int = 1
    recover_after: int = 2
    accuracy_floor: float | None = None
    segments: tuple[str, ...] = ()
    retraining: Retraining | None = None

    @property
    def target(self) -> str:
        """The model as a target."""
        return f"model/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and a port; the host is a name or an IP address, without brackets."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a probe must see.

    Attributes:
        latency: the longest the whole check may take, if that matters; at most the probe's timeout.
        status: the status of the HTTP answer; where none is given, any from 200 to 299 is right.
        body: a text that the body of the HTTP answer must contain as it stands (no pattern), if any.
    """

    latency: timedelta | None = None
    status: int | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    name: str
    every: timedelta
    fail_after: int = 3
    recover_after: int = 2
    timeout: timedelta = timedelta(seconds=5)
    expect: Expect = field(default_factory=Expect)

    @property
    def target(self) -> str:
        """The probe as a target."""
        return f"probe/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe(_Probe):
    """Whether a URL answers. It may hold a credential, so that it is not shown.

    Attributes:
        url: what is asked.
        auth: `google` where the function proves who it is, by an identity token.
        audience: for whom that token is; the origin of the URL where none is given.
    """

    kind: ClassVar[str] = "http"
    url: str = field(repr=False)
    auth: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbe(_Probe):
    """Whether a certificate is trusted, and for how long yet: a warning, then critical, so long before it expires."""

    kind: ClassVar[str] = "tls"
    host: str
    port: int = 443
    warn_before: timedelta = timedelta(days=21)
    critical_before: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe(_Probe):
    """Whether a port accepts a connection."""

    kind: ClassVar[str] = "tcp"
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProbe(_Probe):
    """Whether a host name resolves, asked of one resolver (an IP address) or of the machine's own."""

    kind: ClassVar[str] = "dns"
    host: str
    resolver: Address | None = None


Probe = HttpProbe | TlsProbe | TcpProbe | DnsProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One target needs another (`from` and `to` in the file): a fault of `needs` explains a fault of `target`.

    Attributes:
        target: what needs the other.
        needs: what it needs.
        share: the share of what the target earns that is at risk while the other is down, 0 to 1.
    """

    target: str
    needs: str
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of monitoring.yaml.

    Attributes:
        jobs: the cron expression (UTC) of each job, by its name.
        models: the models, by unique names.
        probes: the probes, by unique names.
        dependencies: which target needs which.
        revenue: what targets earn, by target.
        channels: the channels, by unique names.
        people: who is told of what, where and when.
        incidents: how findings become incidents.
        rules: what class they are of; the first that matches counts, before those of `core.incidents.classify`.
        impact: what a fault puts at risk.
        maintenance: when nobody is told.
        playbooks: what is done by itself; every one that matches counts.
        automation: the guard rails of what is done by itself.
        resources: what targets are in the cloud, by target.
        business: where orders, costs and the market are.
    """

    jobs: Mapping[str, str]
    models: tuple[Model, ...] = ()
    probes: tuple[Probe, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    revenue: Mapping[str, Revenue] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    people: People = field(default_factory=People)
    incidents: Policy = field(default_factory=Policy)
    rules: tuple[Rule, ...] = ()
    impact: ImpactPolicy = field(default_factory=ImpactPolicy)
    maintenance: tuple[Maintenance, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    automation: Automation = field(default_factory=Automation)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    business: Business = field(default_factory=Business)
