"""The API over a SQLite store that is filled as the router and the action runner fill it, and a bus that is obeyed."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import requests
import uvicorn
from starlette.datastructures import Headers
from werkzeug.test import Client

from core.access import Role
from core.actions import lifecycle
from core.actions.guards import Guards, GuardVerdict, switched
from core.actions.lifecycle import ActionRun
from core.actions.plan import ActionReason, Plan
from core.errors import UnavailableError
from core.events import ActionRequest, Change, Command, Event, Mode, Severity, Stage, Status, Verb
from core.incidents.commands import apply_command
from core.incidents.model import GroupState, Incident, IncidentCondition, IncidentReason, State, TimelineEntry
from core.incidents.outbox import IncidentGroup
from core.incidents.routing import Silence
from core.maintenance.dead_letters import claim_key
from core.settings import (
    Address,
    Dependency,
    ExperienceSettings,
    Features,
    Label,
    Model,
    Override,
    People,
    Person,
    Reference,
    Retraining,
    Rotation,
    Settings,
    TcpProbe,
    TrainingPipeline,
)
from core.settings.channels import ConsoleChannel, WebhookChannel
from core.settings.response import Automation
from core.settings.surveys import Surveys
from core.statistics import DEFAULT
from functions.adapters.events import decode, encode
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store
from functions.adapters.prometheus import Prometheus
from functions.adapters.store import update
from functions.api import asgi
from functions.api.request import Request
from functions.api.server import config
from functions.api.services import Services, Sources, compose
from functions.services.actions import ACTIONS, GUARDS, GUARDS_KEY, run_data
from functions.services.incidents.channel_tests import COLLECTION as CHANNEL_TESTS
from functions.services.incidents.documents import (
    INCIDENTS,
    SILENCES,
    SILENCES_KEY,
    incident_data,
    read_silences,
    silences_data,
)
from functions.services.models import Models
from tests.support.fakes.live import FakeChanges
from tests.support.fakes.model_table import ModelTable
from tests.support.web.over_asgi import OverAsgi

MODEL = Model(
    name="churn",
    owner="growth",
    table="telemetry.churn",
    timestamp="at",
    id="id",
    score="score",
    features=Features(numeric=("age",), categorical=("city",)),
    statistics=(*DEFAULT, "tvd"),
    reference=Reference(days=30),
    window=timedelta(days=1),
    label=Label(column="churned", arrives_within=timedelta(days=1)),
    accuracy_floor=0.85,
    retraining=Retraining(
        pipeline=TrainingPipeline(
            template="https://us-east1-kfp.pkg.dev/shop/pipelines/train-churn/v1", root="gs://runs/x"
        )
    ),
)
NOBODY = Prometheus(name="Prometheus", url="http://127.0.0.1:9", open_session=requests.Session)
"""Where nobody listens."""
PROBE = TcpProbe(name="db", every=timedelta(minutes=1), address=Address(host="db.internal", port=5432))
SURVEY_SECRET = "a secret of a survey for these tests"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""When the API started, unless a test says otherwise."""
JOBS = {"drift_score": "*/15 * * * *", "health_check": "* * * * *"}
CHANNELS = (ConsoleChannel(name="log"), WebhookChannel(name="team", url="https://example.com/hook"))
ADA, GRACE = Person(name="Ada", channels=("log",)), Person(name="Grace", channels=("team",))
HOLIDAY = Override(start=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2099, 1, 1, tzinfo=UTC), person="Grace")
ROTATION = Rotation(
    name="ml",
    start=datetime(2026, 1, 5, 9, tzinfo=UTC),
    every=timedelta(days=90_000),
    people=(ADA, GRACE),
    overrides=(HOLIDAY,),
)
SETTINGS = Settings(
    jobs=JOBS, models=(MODEL,), probes=(PROBE,), channels=CHANNELS, people=People(rotations={"ml": ROTATION})
)


class Rows:
    """A warehouse that knows the answer to each statement by a word in it."""

    def __init__(self, **answers: list[Data]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Data]] = []
        self.down = False
        self.hangs: threading.Event | None = None
        self.failing = False

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        if self.down:
            raise UnavailableError("BigQuery: does not answer")
        self.asked.append((sql, parameters))
        if self.hangs:
            assert self.hangs.wait(20)
        if self.failing:
            raise UnavailableError("BigQuery: does not answer")
        return next((rows for word, rows in self.answers.items() if word in sql), [])

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise AssertionError(f"the api must not write, wrote {table}: {rows}")


@dataclass
class ApiFixture:
    """The other functions: keeps what is published, byte for byte, and carries it out where it shall."""

    store: Store
    groups: dict[str, IncidentGroup] = field(default_factory=dict)
    published: list[tuple[str, Command, dict[str, str]]] = field(default_factory=list)
    reported: list[Data] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    obeys: bool = True
    down: bool = False
    delay: threading.Event | None = None
    waiting: int = 0

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        if self.delay:
            assert self.delay.wait(20)
        command = decode(encode(event), Command)
        self.published.append((topic, command, attributes))
        if self.obeys:
            self.carry_out(command)

    def publish_rows(self, topic: str, rows: Sequence[Data], **attributes: str) -> None:
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        if self.delay:
            self.waiting += 1
            assert self.delay.wait(20)
        assert (topic, attributes) in (("telemetry", {"table": table}) for table in ("experience", "answers"))
        self.reported += rows

    def carry_out(self, command: Command) -> None:
        if command.verb in (Verb.HALT, Verb.RESUME):
            update(self.store, GUARDS, GUARDS_KEY, lambda data: _switched(data, command))
        elif command.verb in (Verb.APPROVE, Verb.REJECT):
            update(self.store, ACTIONS, command.subject, lambda data: _answered(data, command))
        elif command.verb in (Verb.SILENCE, Verb.UNSILENCE):
            update(self.store, SILENCES, SILENCES_KEY, lambda data: _silenced(data, command))
        elif command.verb is Verb.SEND_REPORT:
            self.sent.append(command.subject)
        elif command.verb is Verb.SEND_AGAIN:
            Ledger(self.store, lambda: command.at, "test").once(claim_key(command.subject), lambda: None)
        elif command.verb is Verb.TEST_CHANNEL:
            said = {"outcome": "delivered", "detail": "", "answered_at": command.at}
            tested: Data = {"id": command.id, "by": command.by, "at": command.at} | said
            update(self.store, CHANNEL_TESTS, command.subject, lambda _: tested)
        else:
            group = self.groups[command.subject]
            state = apply_command(group.state, command).state
            self.keep(replace(group, state=state, revision=group.revision + 1))

    def keep(self, group: IncidentGroup) -> None:
        """Copy the incidents of a group as the router does."""
        for one in group.state.incidents:
            self.groups[one.id] = group
            update(self.store, INCIDENTS, one.id, lambda _, one=one: incident_data(group, one.id))  # type: ignore[misc]

    def case(self, case: ActionRun) -> None:
        """Keep a case as the action runner does."""
        update(self.store, ACTIONS, case.request.id, lambda _: run_data(case))

    def silence(self, silence: Silence) -> None:
        update(self.store, SILENCES, SILENCES_KEY, lambda data: silences_data([*read_silences(data), silence]))


def services(
    store: Store,
    warehouse: Rows,
    office: ApiFixture,
    clock: Callable[[], datetime],
    *,
    table: ModelTable | None = None,
    **switches: Any,
) -> Services:
    settings = replace(
        SETTINGS,
        automation=Automation(**switches),
        dependencies=(Dependency(target="service/shop", needs="database/neo4j"),),
        surveys=Surveys(secret=SURVEY_SECRET),
        experience=ExperienceSettings(services=("shop",)),
    )
    return compose(
        Sources(
            settings=settings,
            models=Models(SETTINGS.models, table or ModelTable(), clock),
            store=store,
            warehouse=warehouse,
            prometheus=NOBODY,
            dashboards={},
            bus=lambda: office,
            report_bus=lambda: office,
            project="aia-test",
            clock=clock,
            started=LONG_AGO,
        )
    )


def application(
    made: Services | Callable[[], Services],
    identify: Callable[[Request], str] | None = None,
    role_of: Callable[[str], Role] | None = None,
    *,
    verified: bool = True,
    changes: FakeChanges | None = None,
) -> OverAsgi:
    """The API as it is served, over its services or over what opens them; where no changes are given, pages ask by themselves."""
    opened = made if callable(made) else lambda: made
    feed = (changes or FakeChanges(bus_down=True)).open
    told = asgi.Changes(feed, lambda: datetime.now(UTC), lambda topics: opened().forget(topics))
    return OverAsgi(asgi.application(opened, identify=identify, role_of=role_of, verified=verified, changes=told))


def client_of(made: Services | Callable[[], Services]) -> Client:
    """A client of the API where nobody is verified."""
    return application(made).test_client()


def headers(**given: str) -> Headers:
    """The headers of a request."""
    return Headers(given)


def told(body: Data, path: str = "/") -> Request:
    """A request with a JSON body, for one service alone."""
    return Request(
        method="POST", path=path, headers=Headers({"Content-Type": "application/json"}), body=msgspec.json.encode(body)
    )


@contextmanager
def served(app: OverAsgi) -> Iterator[str]:
    """Serve the application on a free port, by the server of a deployment; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(config(app.application, host="127.0.0.1", port=port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listening.close()


def condition(target: str, kind: str, severity: Severity, at: datetime, summary: str, **more: Any) -> IncidentCondition:
    return IncidentCondition(
        key=f"{target}:{kind}",
        target=target,
        kind=kind,
        status=more.pop("status", Status.FIRING),
        severity=severity,
        observed_at=at,
        finding_id=f"{target}:{kind}:{at.isoformat()}",
        source=more.pop("source", "drift_score"),
        summary=summary,
        **more,
    )


def incident(name: str, members: list[IncidentCondition], opened_at: datetime, **more: Any) -> IncidentGroup:
    """A group with one incident of these conditions, the worst first."""
    lead = members[0]
    first = TimelineEntry(
        sequence=1,
        at=opened_at,
        change=Change.OPENED,
        reason=IncidentReason.FIRST_FIRING,
        summary=lead.summary,
        finding_id="",
    )
    fields: Data = {
        "title": lead.summary,
        "state": State.OPEN,
        "severity": lead.severity,
        "peak": lead.severity,
        "category": "drift",
        "targets": tuple(dict.fromkeys(member.target for member in members)),
        "timeline": (first,),
    }
    one = Incident(
        id=name,
        target=lead.target,
        opened_at=opened_at,
        conditions=tuple(member.key for member in members),
        **(fields | more),
    )
    one = replace(one, sequence=len(one.timeline))
    return IncidentGroup(state=GroupState(name=lead.target, conditions=tuple(members), incidents=(one,)), revision=1)


def request(incident_id: str, action: str, target: str, at: datetime, mode: Mode = Mode.ACT) -> ActionRequest:
    return ActionRequest(
        incident_id=incident_id,
        sequence=1,
        action=action,
        target=target,
        requested_at=at,
        mode=mode,
        playbook="what-hangs",
        reason=f"{target} is error (drift)",
        severity=Severity.ERROR,
    )


def awaiting(asked: ActionRequest, plan: Plan, now: datetime) -> ActionRun:
    verdict = GuardVerdict(stage=Stage.AWAITING, reason=ActionReason.NEEDS_APPROVAL)
    return lifecycle.planned(asked, plan, verdict, automation=Automation(), now=now)


def dry(asked: ActionRequest, plan: Plan, now: datetime) -> ActionRun:
    case = lifecycle.planned(
        replace(asked, mode=Mode.DRY_RUN),
        plan,
        GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.DRY_RUN),
        automation=Automation(),
        now=now,
    )
    return replace(case, pending=())


def _switched(data: Data | None, command: Command) -> Data:
    guards = msgspec.convert(data or {}, Guards, builtin_types=(datetime,))
    changed: Data = msgspec.to_builtins(switched(guards, command), builtin_types=(datetime,))
    return changed


def _answered(data: Data | None, command: Command) -> Data:
    case = msgspec.convert(data, ActionRun, builtin_types=(datetime,))
    verdict = GuardVerdict(stage=Stage.APPROVED, reason=ActionReason.PERSON_APPROVED)
    return run_data(lifecycle.answered(case, command, verdict, now=datetime.now(UTC)))


def _silenced(data: Data | None, command: Command) -> Data:
    known = read_silences(data)
    if command.verb is Verb.UNSILENCE or command.until is None:
        return silences_data([one for one in known if one.pattern != command.subject])
    new = Silence(pattern=command.subject, by=command.by, at=command.at, until=command.until, note=command.note)
    return silences_data([*known, new])
