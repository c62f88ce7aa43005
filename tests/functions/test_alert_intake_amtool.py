"""Silences and open conditions as `amtool` asks for them."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder

from core.events import Command, Finding, Severity, Status, Verb
from core.incidents.fold import fold
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import IncidentPolicy
from functions.alert_intake.matchers import Matcher, decoded, of_pattern, parsed, pattern, wildcards
from functions.alert_intake.reading import UnreadableError
from functions.services.incidents.documents import INCIDENTS, Silences, incident_data
from tests.support.fakes.intake import NOW, World

TOKEN = "of-those-who-silence"
HOUR = timedelta(hours=1)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """With one open incident of a model."""
    monkeypatch.setenv("AIA_SILENCES_TOKEN", TOKEN)
    world = World()
    finding = Finding(
        target="model/churn",
        kind="drift",
        status=Status.FIRING,
        severity=Severity.WARNING,
        observed_at=NOW,
        source="drift_score",
        summary="PSI 0.3",
    )
    state = fold(None, finding, now=NOW, policy=IncidentPolicy()).state
    assert state is not None
    [incident] = state.incidents
    copy = incident_data(IncidentGroup(state=state), incident.id)
    assert copy is not None
    world.store.create(INCIDENTS, incident.id, copy)
    return world


def ask(world: World, path: str, method: str = "GET", body: Any = None, token: str = TOKEN) -> flask.Response:
    data = json.dumps(body).encode() if body is not None else b""
    address, _, query = path.partition("?")
    headers = [("Authorization", f"Bearer {token}")] if token else []
    environ = EnvironBuilder(path=address, query_string=query, method=method, data=data, headers=headers).get_environ()
    return world.answer(flask.Request(environ))


def silence(**fields: Any) -> dict[str, Any]:
    return {
        "matchers": [{"name": "model", "value": "churn", "isRegex": False, "isEqual": True}],
        "startsAt": NOW.isoformat(),
        "endsAt": (NOW + HOUR).isoformat(),
        "createdBy": "mia",
        "comment": "planned",
    } | fields


def execute(world: World) -> list[Command]:
    """Do what was commanded, as the router does."""
    commands = [one for one in world.bus.events if isinstance(one, Command)]
    world.bus.events.clear()
    for command in commands:
        Silences(world.store, world.clock).change(command)
    return commands


def test_a_silence_is_made_shown_applied_and_ended(world: World) -> None:
    made = ask(world, "/api/v2/silences", "POST", silence()).get_json()["silenceID"]
    [command] = execute(world)
    assert (command.verb, command.subject, command.by, command.note) == (Verb.SILENCE, "model/churn", "mia", "planned")
    [shown] = ask(world, "/api/v2/silences").get_json()
    assert (shown["id"], shown["status"]) == (made, {"state": "active"})
    assert ask(world, f"/api/v2/silence/{made}").get_json() == shown
    [alert] = ask(world, "/api/v2/alerts").get_json()
    assert alert["status"] == {"state": "suppressed", "silencedBy": [made], "inhibitedBy": []}
    assert ask(world, "/api/v2/alerts?silenced=false").get_json() == []
    assert ask(world, f"/api/v2/silence/{made}", "DELETE").status_code == 200
    assert [one.verb for one in execute(world)] == [Verb.UNSILENCE]
    [alert] = ask(world, "/api/v2/alerts?active=true").get_json()
    assert alert["status"]["state"] == "active"
    [over] = ask(world, "/api/v2/silences").get_json()
    assert (over["id"], over["status"]) == (made, {"state": "expired"})


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('filter=model="churn"', 1),
        ('filter=alertname=~"dr.*"&filter=severity!="critical"', 1),
        ('filter=alertname="other"', 0),
        ("active=false", 0),
    ],
)
def test_alerts_are_filtered_by_matchers(world: World, query: str, count: int) -> None:
    assert len(ask(world, f"/api/v2/alerts?{query}").get_json()) == count


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"matchers": []}, "must be one, of a label that names a target"),
        ({"matchers": [{"name": "alertname", "value": "Slow"}]}, "got alertname"),
        ({"matchers": [{"name": "pod", "value": "a"}, {"name": "team", "value": "b"}]}, "got pod, team"),
        ({"matchers": [{"name": "pod", "value": "a", "isEqual": False}]}, "must be = or =~"),
        ({"matchers": [{"name": "pod", "value": "a|b", "isRegex": True}]}, "only have literals and .*"),
        ({"matchers": [{"name": "target", "value": ".*", "isRegex": True}]}, "must not match everything"),
        ({"matchers": [{"name": "pod", "value": "a*"}]}, "a text without *"),
        ({"startsAt": (NOW + HOUR).isoformat()}, "startsAt: must be now"),
        ({"endsAt": (NOW - HOUR).isoformat()}, "endsAt: must be at most 30 days ahead"),
        ({"endsAt": (NOW + 24 * 40 * HOUR).isoformat()}, "endsAt: must be at most 30 days ahead"),
        ({"createdBy": ""}, "createdBy: must be 1 to 80"),
        ({"id": "x"}, "id: must not be given"),
    ],
)
def test_what_no_pattern_expresses_is_refused_with_the_reason(world: World, fields: dict[str, Any], says: str) -> None:
    refused = ask(world, "/api/v2/silences", "POST", silence(**fields))
    assert refused.status_code == 400
    assert says in refused.get_json()
    assert execute(world) == []


def test_only_the_token_of_silences_opens_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("", "of-senders"):
        assert ask(world, "/api/v2/silences", token=token).status_code == 401
        assert ask(world, "/api/v2/silences", "POST", silence(), token=token).status_code == 401
    monkeypatch.delenv("AIA_SILENCES_TOKEN")
    hint = ask(world, "/api/v2/silences").get_json()["error"]
    assert "AIA_SILENCES_TOKEN" in hint
    assert execute(world) == []


def test_an_unknown_silence_is_not_found_and_other_methods_are_refused(world: World) -> None:
    assert ask(world, "/api/v2/silence/0000", "DELETE").status_code == 404
    assert ask(world, "/api/v2/silences", "PUT", {}).status_code == 405
    assert ask(world, "/api/v2/status").get_json()["cluster"] == {"status": "disabled"}
    assert ask(world, "/api/v2/silences?filter=nonsense").status_code == 400


@pytest.mark.parametrize("given", ["model/churn", "model/*", "*/a.b*c", "host/(x)+[y]"])
def test_a_pattern_is_the_same_again_as_a_matcher(given: str) -> None:
    assert pattern([of_pattern(given)]) == given


def test_matchers_are_read_as_alertmanager_writes_them() -> None:
    assert parsed(' pod !~ "a\\"b" ') == Matcher("pod", 'a"b', is_regex=True, is_equal=False)
    assert decoded({"name": "pod", "value": "a"}) == Matcher("pod", "a")
    for regex in ("a+", "a.b", r"\d", "(a|b)", "[ab]", "a\\", r"a\*", "x" * 301):
        with pytest.raises(UnreadableError):
            wildcards(regex)


@pytest.fixture
def amtool(world: World, tmp_path: Path) -> Iterator[list[str]]:
    """The program, with what it needs to ask the intake."""
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("amtool is absent: apt install prometheus-alertmanager")
    held: dict[str, Any] = {"world": world}

    @flask.Request.application
    def application(request: flask.Request) -> flask.Response:
        answer: flask.Response = held["world"].answer(request)
        execute(held["world"])
        return answer

    server = make_server("127.0.0.1", 0, application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = tmp_path / "http.yml"
    config.write_text(json.dumps({"authorization": {"credentials": TOKEN}}))
    yield [
        program,
        "--no-version-check",
        f"--alertmanager.url=http://127.0.0.1:{server.port}",
        f"--http.config.file={config}",
    ]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.long
def test_amtool_makes_shows_and_ends_a_silence(amtool: list[str], world: World) -> None:
    def run(*words: str) -> str:
        done = subprocess.run([*amtool, *words], capture_output=True, text=True, check=False, timeout=30)
        return done.stdout + done.stderr

    world.clock = lambda: datetime.now(UTC)
    assert "drift" in run("alert", "query", "model=churn")
    made = run("silence", "add", "model=churn", "--author=mia", "--comment=planned", "--duration=1h").strip()
    assert made in run("silence", "query")
    assert "must be one, of a label that names a target" in run("silence", "add", "alertname=Slow", "--comment=x")
    assert "drift" not in run("alert", "query", "model=churn")
    assert run("silence", "expire", made) == ""
    assert made not in run("silence", "query")
    assert made in run("silence", "query", "--expired")
    assert "drift" in run("alert", "query", "model=churn")
