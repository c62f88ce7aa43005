"""The function on its way through a push request, with a real store and real targets, and what faults do to it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from core.errors import UnavailableError
from core.events import Event, Finding, Status, Tick
from core.metrics import MetricKind, check
from core.settings import Expect, Probe, Settings
from functions.adapters.events import encode
from functions.adapters.ports import Data, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.health_check.main import build
from tests.support.fakes.ports import MemoryPorts, push
from tests.support.fakes.stores import WrappedStore
from tests.support.servers.targets import Secure, free_port, http_probe, server_context, serving, tcp_probe, tls_probe

T = TypeVar("T")

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.support.servers.targets import Web

pytest_plugins = ["tests.support.servers.framework", "tests.support.servers.target_fixtures"]
AT = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DOWN = "probe/site:endpoint_down"


class Killed(BaseException):
    """The instance is gone: nothing catches this."""


@dataclass
class Recorder:
    """A bus and metrics of the catalogue, in memory."""

    published: list[Finding] = field(default_factory=list)
    gauges: dict[tuple[str, ...], float] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)
    fault: BaseException | None = None

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        assert (topic, type(event)) == ("findings", Finding)
        if self.fault:
            raise self.fault
        assert isinstance(event, Finding)
        self.published.append(event)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        check(name, MetricKind.GAUGE, labels)
        self.gauges[name, *labels.values()] = value

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        check(name, MetricKind.COUNTER, labels)
        self.outcomes.append(labels["outcome"])

    def flush(self) -> None:
        pass

    def told(self) -> list[tuple[str, str]]:
        """What was published, once each, in the order in which it first was."""
        return list(dict.fromkeys((event.id, event.status.value) for event in self.published))


@dataclass
class Around(WrappedStore):
    """A store that does something before every write."""

    before: Callable[[], None]

    def write(self, collection: str, act: Callable[[], T]) -> T:
        self.before()
        return act()


@dataclass
class World:
    """One deployment of the function."""

    client: "FlaskClient"
    store: Store
    outside: Recorder
    probes: list[Probe]

    def tick(self, minute: int = 0, store: Store | None = None) -> int:
        """Deliver the tick of a minute and give back the status of the answer."""
        return self.post(push(encode(Tick(job="health_check", scheduled_at=AT + minute * MINUTE))), store)

    def post(self, body: bytes, store: Store | None = None) -> int:
        ports = MemoryPorts(
            function="health_check",
            settings=Settings(jobs={}, probes=tuple(self.probes)),
            store=store or self.store,
            bus=self.outside,
            metrics=self.outside,
        )
        return self.client.post("/", data=body, environ_overrides={"answer": build(ports)}).status_code

    def shown(self, name: str = "site") -> Data:
        document = self.store.get("probes", name)
        assert document is not None
        return document.data

    def state(self, condition: str = DOWN) -> Data:
        document = self.store.get("conditions", condition)
        assert document is not None
        return document.data


def at(minute: int, condition: str = DOWN) -> str:
    return f"{condition}:{(AT + minute * MINUTE).isoformat().replace('+00:00', 'Z')}"


@pytest.fixture
def world(framework: "FlaskClient", web: "Web", tmp_path: Path) -> Iterator[World]:
    store = SqliteStore(str(tmp_path / "store.db"))
    yield World(framework, store, Recorder(), [http_probe(web.url(), fail_after=1, recover_after=1)])
    store.close()


def answers(web: "Web", status: int) -> None:
    web.routes["/"] = lambda handler: handler.reply(status, b"ok")


# What a check leaves behind


def test_a_target_that_is_up_is_measured_and_shown_and_told_nothing_of(world: World) -> None:
    assert world.tick() == 204
    assert world.outside.told() == []
    assert world.outside.gauges["aia_probe_up", "site"] == 1
    assert world.outside.gauges["aia_probe_latency_seconds", "site"] > 0
    assert world.outside.gauges["aia_heartbeat_timestamp_seconds", "health_check"] == AT.timestamp()
    shown = world.shown()
    assert (shown["name"], shown["kind"], shown["status"], shown["detail"]) == ("site", "http", "resolved", "HTTP 200")
    assert (shown["checked_at"], shown["since"], shown["certificate_expires_at"]) == (AT, AT, None)
    assert [one["ok"] for one in shown["history"]] == [True]


def test_a_target_that_goes_down_and_comes_back_is_told_twice(world: World, web: "Web") -> None:
    world.probes = [replace(world.probes[0], fail_after=3, recover_after=2)]
    for minute, status in enumerate([200, 500, 500, 500, 500, 200, 200, 200]):
        answers(web, status)
        assert world.tick(minute) == 204
    assert world.outside.told() == [(at(3), "firing"), (at(6), "resolved")]
    down, up = world.outside.published
    assert (down.target, down.kind, down.severity, down.source) == (
        "probe/site",
        "endpoint_down",
        "critical",
        "health_check",
    )
    assert down.summary == "site is down: status: must be 200 to 299, got 500"
    assert up.summary == "site is up: HTTP 200"
    assert (world.shown()["status"], world.shown()["since"]) == ("resolved", AT + 6 * MINUTE)
    assert [one["ok"] for one in world.shown()["history"]] == [True, False, False, False, False, True, True, True]
    assert world.shown()["availability"] == 0.5


def test_a_target_that_is_slow_is_told_as_slow(world: World) -> None:
    world.probes = [replace(world.probes[0], expect=Expect(latency=timedelta(microseconds=1)))]
    world.tick()
    assert world.outside.told() == [(at(0, "probe/site:slow"), "firing")]
    assert (world.outside.published[0].threshold, world.outside.published[0].unit) == (1e-6, "seconds")
    assert world.shown()["status"] == "resolved"


def test_a_certificate_that_will_expire_is_told_and_then_worse(world: World, authority: trustme.CA) -> None:
    """The tick's own time is what the certificate's end is compared with."""
    now = datetime.now(UTC).replace(microsecond=0)
    ends = now + timedelta(days=40)
    server = Secure(server_context(authority.issue_cert("localhost", not_after=ends)))
    with serving(server):
        world.probes = [tls_probe(server.port)]
        for days in (22, 20, 19, 6):
            minute = (ends - timedelta(days=days) - AT) // MINUTE
            assert world.tick(minute) == 204
    told = [(event.kind, event.severity.value, event.status) for event in world.outside.published]
    assert told == [
        ("certificate_expiring", "warning", Status.FIRING),
        ("certificate_expiring", "critical", Status.FIRING),
    ]
    assert world.shown("cert")["certificate_expires_at"] == ends
    left = world.outside.gauges["aia_probe_certificate_expiry_seconds", "cert"]
    assert left == pytest.approx(6 * 86_400, abs=60)


def test_only_the_probes_that_are_due_are_checked(world: World) -> None:
    world.probes = [replace(world.probes[0], name=f"every-{minutes}", every=minutes * MINUTE) for minutes in (1, 5, 7)]
    world.tick(5)
    assert {document.key for document in world.store.find("probes")} == {"every-1", "every-5"}


def test_one_probe_that_fails_stops_none_of_the_others(world: World) -> None:
    world.probes += [tcp_probe(free_port(), fail_after=1), tcp_probe(1, name="broken", host="x" * 70, fail_after=1)]
    assert world.tick() == 204
    assert {(event.target, event.evidence["reason"]) for event in world.outside.published} == {
        ("probe/port", "refused"),
        ("probe/broken", "probe_broken"),
    }
    assert world.outside.gauges["aia_probe_up", "site"] == 1


def test_the_history_is_bounded(world: World) -> None:
    for minute in range(63):
        world.tick(minute)
    assert len(world.shown()["history"]) == 60


def test_no_secret_of_a_url_is_shown_logged_or_told(world: World, web: "Web", caplog: pytest.LogCaptureFixture) -> None:
    answers(web, 500)
    world.probes = [http_probe(web.url("/?token=hush", auth="me:hush@"), fail_after=1)]
    world.tick()
    left = [document.data for name in ("probes", "conditions") for document in world.store.find(name)]
    assert world.outside.published
    assert "hush" not in repr(left) + repr(world.outside.published) + caplog.text
    assert world.shown()["where"] == web.url("/")


# Delivered again


def test_delivered_five_times_it_has_the_effect_of_once(world: World, web: "Web") -> None:
    answers(web, 500)
    for _ in range(5):
        assert world.tick() == 204
    assert [event.id for event in world.outside.published] == [at(0)]
    assert len(web.asked) == 1
    assert len(world.shown()["history"]) == 1


def test_an_old_tick_after_a_newer_one_changes_nothing(world: World, web: "Web") -> None:
    for minute, status in ((2, 200), (1, 500), (0, 500)):
        answers(web, status)
        assert world.tick(minute) == 204
    assert world.outside.told() == []
    assert (world.shown()["checked_at"], len(web.asked)) == (AT + 2 * MINUTE, 1)


def test_ticks_at_the_same_time_resolve_to_one_effect(world: World, web: "Web") -> None:
    answers(web, 500)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: world.tick(), range(8))) == {204}
    assert world.outside.told() == [(at(0), "firing")]
    assert (world.state()["at"], len(world.shown()["history"])) == (AT, 1)


# Faults


def test_while_the_bus_is_down_everything_else_is_done_and_a_retry_publishes(world: World, web: "Web") -> None:
    answers(web, 500)
    world.probes.append(tcp_probe(free_port(), fail_after=1))
    world.outside.fault = UnavailableError("bus: does not answer")
    assert world.tick() == 503
    assert world.outside.gauges["aia_probe_up", "port"] == 0
    assert world.shown()["status"] == world.shown("port")["status"] == "firing"
    assert ("aia_heartbeat_timestamp_seconds", "health_check") not in world.outside.gauges
    world.outside.fault = None
    assert world.tick() == 204
    assert sorted(world.outside.told()) == [(at(0, "probe/port:endpoint_down"), "firing"), (at(0), "firing")]
    assert len(web.asked) == 1


def test_what_the_bus_never_got_is_published_by_the_next_tick_in_order(world: World, web: "Web") -> None:
    world.outside.fault = UnavailableError("bus: does not answer")
    for minute, status in enumerate([500, 200, 500]):
        answers(web, status)
        assert world.tick(minute) == 503
    world.outside.fault = None
    world.probes = [replace(world.probes[0], every=60 * MINUTE)]
    assert world.tick(3) == 204
    assert world.outside.told() == [(at(0), "firing"), (at(1), "resolved"), (at(2), "firing")]
    assert (world.state()["unsent"], world.state()["has_unsent"]) == ([], False)


def test_while_the_store_is_down_targets_are_measured_and_the_tick_comes_again(
    world: World, web: "Web", tmp_path: Path
) -> None:
    answers(web, 500)
    assert world.tick(0, SqliteStore(str(tmp_path / "no folder" / "store.db"))) == 503
    assert world.outside.gauges["aia_probe_up", "site"] == 0
    assert world.outside.told() == []
    assert world.tick(0) == 204
    assert world.outside.told() == [(at(0), "firing")]


def test_killed_before_any_write_the_redelivery_has_the_effect_of_once(
    world: World, web: "Web", tmp_path: Path
) -> None:
    """Down, up and down again; at each write of it in turn the instance dies, before the write."""
    writes = story(world, web, world.store, die_at=0)
    expected = world.outside.told(), world.state(), len(world.shown()["history"])
    assert expected[0] == [(at(0), "firing"), (at(1), "resolved"), (at(2), "firing")]
    assert writes >= 9
    for die_at in range(1, writes + 1):
        store = SqliteStore(str(tmp_path / f"{die_at}.db"))
        again = World(world.client, store, Recorder(), world.probes)
        story(again, web, store, die_at)
        assert (again.outside.told(), again.state(), len(again.shown()["history"])) == expected
        store.close()


def story(world: World, web: "Web", store: Store, die_at: int) -> int:
    """Run it, dying before one write and delivering that tick again; gives back the number of writes."""
    writes = 0

    def count() -> None:
        nonlocal writes
        writes += 1
        if writes == die_at:
            raise Killed

    for minute, status in enumerate([500, 200, 500]):
        answers(web, status)
        try:
            assert world.tick(minute, Around(store, count)) == 204
        except Killed:
            assert world.tick(minute) == 204
    return writes


# As deployed


def test_the_function_as_deployed_answers_a_tick(tmp_path: Path, web: "Web") -> None:
    """Its own composition root in its own process, under functions-framework; only the endpoints are this machine's."""
    settings = tmp_path / "monitoring.yaml"
    probe = f"{{name: site, kind: http, url: '{web.url()}', every: 1m, allowed_networks: [127.0.0.0/8]}}"
    settings.write_text(f"version: 1\njobs: {{health_check: '* * * * *'}}\nprobes:\n  - {probe}\n")
    nowhere = f"127.0.0.1:{free_port()}"
    environment = {
        "GOOGLE_CLOUD_PROJECT": "aia-test",
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials(tmp_path / "key.json")),
        "AIA_LOCATION": "europe-west1",
        "AIA_STORE": f"sqlite://{tmp_path}/store.db",
        "AIA_SETTINGS": str(settings),
        "AIA_MONITORING_ENDPOINT": nowhere,
        "PUBSUB_EMULATOR_HOST": nowhere,
        "BIGQUERY_EMULATOR_HOST": f"http://{nowhere}",
    }
    program = (
        "import sys, functions_framework\n"
        "app = functions_framework.create_app(target='main', source='functions/health_check/main.py')\n"
        "print(app.test_client().post('/', data=sys.stdin.buffer.read()).status_code)\n"
        "print(sorted({'psycopg', 'redis', 'websockets', 'dns', 'smtplib'} & set(sys.modules)))\n"
    )
    body = push(encode(Tick(job="health_check", scheduled_at=AT)))
    done = subprocess.run(
        [sys.executable, "-c", program], input=body, capture_output=True, env=os.environ | environment, check=False
    )
    # The library of a kind is imported where a probe is of that kind.
    assert done.stdout.split()[-2:] == [b"204", b"[]"], done.stderr.decode()
    store = SqliteStore(str(tmp_path / "store.db"))
    document = store.get("probes", "site")
    store.close()
    assert document is not None
    assert document.data["reason"] == "ok"


def credentials(path: Path) -> Path:
    """A service account that nobody knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": "test@aia-test.iam.gserviceaccount.com",
        "project_id": "aia-test",
    }
    path.write_text(json.dumps(account | {"private_key": key.decode(), "token_uri": "http://127.0.0.1:9/token"}))
    return path
