"""The part of Alertmanager's API v2 that `amtool` uses, over the silences and the open conditions of this system.

GET /api/v2/status                      GET /api/v2/alerts, with filters
GET, POST /api/v2/silences              GET, DELETE /api/v2/silence/ID

Errors are JSON texts, as Alertmanager's own. It has a token of its own: who sends alerts may neither read nor silence them.
Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import flask

from core.errors import UnavailableError
from core.events import Command, Status, Verb
from core.incidents.routing import LONGEST_SILENCE, Silence
from core.incidents.silences import LIMIT
from core.patterns import matches
from functions.adapters.ports import Bus, Clock, Data, Store
from functions.alert_intake.matchers import Matcher, decoded, of_pattern, parsed, pattern
from functions.alert_intake.reading import Json, UnreadableError, decode, instant, items, mapping, text
from functions.runtime import incoming
from functions.runtime.authenticator import Authenticator
from functions.services.incidents.documents import INCIDENTS, SILENCES, SILENCES_KEY, read_silences

log = logging.getLogger(__name__)
TOPIC: Final = "commands"
LARGEST: Final = 16_384
"""Bytes of a silence."""
_LONGEST_NAME, _LONGEST_NOTE = 80, 300
_AHEAD = timedelta(minutes=5)
"""How far ahead the clock of a client may be: a silence begins when it is made."""
_BY = "amtool"
_PATHS = ("/api/v2/status", "/api/v2/silences", "/api/v2/alerts")
_ONE = "/api/v2/silence/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencesApi:
    """Answers requests of the API.

    Attributes:
        token: of its clients; empty where there is no such API.
        store: opens what has silences and incidents.
        bus: opens what takes commands.
        clock: now.
    """

    token: str
    store: Callable[[], Store]
    bus: Callable[[], Bus]
    clock: Clock

    def takes(self, request: flask.Request) -> bool:
        """Whether a request is for this API: it is on, and nothing else has that path and method."""
        path = request.path.rstrip("/")
        posts_alerts = path == "/api/v2/alerts" and request.method not in {"GET", "HEAD"}
        return bool(self.token) and not posts_alerts and (path in _PATHS or path.startswith(_ONE))

    def answer(self, request: flask.Request) -> tuple[str, flask.Response]:
        """The outcome, as a label of the metric, and the response."""
        try:
            return self._answer(request)
        except UnreadableError as error:
            return "refused", _said(HTTPStatus.BAD_REQUEST, str(error))
        except UnavailableError as error:
            log.error("unavailable: %s", error)  # noqa: TRY400 - the message names it
            return "unavailable", _said(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")

    def _answer(self, request: flask.Request) -> tuple[str, flask.Response]:
        if not Authenticator(token=self.token).authenticate(request):
            refused = _said(HTTPStatus.UNAUTHORIZED, "Authorization: must hold the token of silences")
            refused.headers["WWW-Authenticate"] = 'Basic realm="silences"'
            return "refused", refused
        path, method = request.path.rstrip("/"), request.method
        if path.startswith(_ONE) and method in {"GET", "DELETE"}:
            return self._one(path.removeprefix(_ONE), ends=method == "DELETE")
        if (method, path) == ("POST", "/api/v2/silences"):
            refusal = incoming.receive(request, LARGEST)
            return ("refused", refusal) if refusal else ("done", self._made(decode(request.get_data())))
        if method == "GET" and path in _PATHS:
            return "done", _json(self._read(path, request.args.getlist("filter"), request.args))
        return "refused", _said(HTTPStatus.METHOD_NOT_ALLOWED, f"method: {method} is not allowed for {path[:80]}")

    def _read(self, path: str, filters: Sequence[str], asked: Mapping[str, str]) -> Json:
        if path == "/api/v2/status":
            return _status(self.clock())
        return self._alerts(filters, asked) if path == "/api/v2/alerts" else self._listed(filters)

    def _silences(self) -> list[Silence]:
        """The silences, also those that ended, without the marks of their ends."""
        document = self.store().get(SILENCES, SILENCES_KEY)
        return [one for one in read_silences(document.data if document else None) if one.by]

    def _listed(self, filters: Sequence[str]) -> list[Data]:
        wanted, now = [parsed(one) for one in filters], self.clock()
        found = sorted(self._silences(), key=lambda one: (one.until <= now, one.until))
        return [_silence(one, now) for one in found if all(_about(one, matcher) for matcher in wanted)]

    def _one(self, identifier: str, *, ends: bool) -> tuple[str, flask.Response]:
        now = self.clock()
        found = next((one for one in self._silences() if silence_id(one) == identifier), None)
        if found is None:
            return "refused", _said(HTTPStatus.NOT_FOUND, f"silence: there is none with the id {identifier[:80]}")
        if ends and found.until > now:
            self._publish(Command(verb=Verb.UNSILENCE, subject=found.pattern, by=_BY, at=now))
        return "done", flask.Response(status=HTTPStatus.OK) if ends else _json(_silence(found, now))

    def _made(self, body: Json) -> flask.Response:
        """Silence, and answer with the id that the silence will have."""
        now, given = self.clock(), mapping(body)
        if given.get("id"):
            raise UnreadableError("id: must not be given: a silence is not changed; end it and make another one")
        subject = pattern([decoded(one) for one in items(given.get("matchers"))])
        by, note = _line(given, "createdBy", least=1, most=_LONGEST_NAME), _line(given, "comment", most=_LONGEST_NOTE)
        starts, ends = instant(given.get("startsAt")), instant(given.get("endsAt"))
        if starts and starts - now > _AHEAD:
            raise UnreadableError(
                "startsAt: must be now: a silence begins when it is made; what is planned is a maintenance window"
            )
        if ends is None or not timedelta(0) < ends - now <= LONGEST_SILENCE:
            raise UnreadableError(f"endsAt: must be at most {LONGEST_SILENCE.days} days ahead")
        if sum(one.until > now for one in self._silences()) >= LIMIT:
            raise UnreadableError(f"silences: must be at most {LIMIT}, all hold; end one first")
        self._publish(Command(verb=Verb.SILENCE, subject=subject, by=by, at=now, note=note, until=ends))
        made = Silence(pattern=subject, by=by, at=now, until=ends)
        return _json({"silenceID": silence_id(made)})

    def _publish(self, command: Command) -> None:
        self.bus().publish(TOPIC, command, verb=command.verb.value)

    def _alerts(self, filters: Sequence[str], asked: Mapping[str, str]) -> list[Data]:
        wanted, now = [parsed(one) for one in filters], self.clock()
        held = [one for one in self._silences() if one.until > now]
        alerts = [
            _alert(condition, incident, held, now)
            for incident in (document.data for document in self.store().find(INCIDENTS, where={"open": True}))
            for condition in incident["conditions"]
            if condition["status"] == Status.FIRING
        ]
        hidden = {
            state for state, name in (("active", "active"), ("suppressed", "silenced")) if asked.get(name) == "false"
        }
        return [
            one
            for one in alerts
            if one["status"]["state"] not in hidden and all(matcher.accepts(one["labels"]) for matcher in wanted)
        ]


def silence_id(silence: Silence) -> str:
    """The id of a silence, by what does not change of it."""
    return str(uuid5(NAMESPACE_URL, json.dumps([silence.pattern, silence.by, silence.at.isoformat()])))


def _about(silence: Silence, wanted: Matcher) -> bool:
    """Whether a silence has a matcher of that name, and its value is accepted, as Alertmanager filters silences."""
    own = of_pattern(silence.pattern)
    return own.name == wanted.name and wanted.accepts({own.name: own.value})


def _silence(silence: Silence, now: datetime) -> Data:
    own = of_pattern(silence.pattern)
    return {
        "id": silence_id(silence),
        "status": {"state": "active" if silence.until > now else "expired"},
        "updatedAt": silence.at.isoformat(),
        "startsAt": silence.at.isoformat(),
        "endsAt": silence.until.isoformat(),
        "createdBy": silence.by,
        "comment": silence.note,
        "matchers": [{"name": own.name, "value": own.value, "isRegex": own.is_regex, "isEqual": True}],
    }


def _alert(condition: Data, incident: Data, held: Sequence[Silence], now: datetime) -> Data:
    sort, _, name = condition["target"].partition("/")
    silenced = [silence_id(one) for one in held if matches(one.pattern, condition["target"])]
    return {
        "labels": {
            "alertname": condition["kind"],
            "target": condition["target"],
            sort.replace("-", "_"): name,
            "severity": condition["severity"],
            "incident": incident["id"],
        },
        "annotations": {"summary": condition["summary"], "runbook": condition["runbook"]},
        "startsAt": incident["opened_at"].isoformat(),
        "updatedAt": (condition["last_seen_at"] or condition["observed_at"]).isoformat(),
        "endsAt": (condition["holds_until"] or now + timedelta(minutes=5)).isoformat(),
        "fingerprint": hashlib.sha256(condition["key"].encode()).hexdigest()[:16],
        "receivers": [{"name": "routes"}],
        "status": {"state": "suppressed" if silenced else "active", "silencedBy": silenced, "inhibitedBy": []},
    }


def _status(now: datetime) -> Data:
    build = dict.fromkeys(("version", "revision", "branch", "buildUser", "buildDate", "goVersion"), "")
    return {
        "cluster": {"status": "disabled"},
        "versionInfo": build | {"version": "alert_intake"},
        "config": {"original": ""},
        "uptime": now.isoformat(),
    }


def _line(given: Mapping[str, Json], name: str, *, least: int = 0, most: int) -> str:
    found = text(given.get(name))
    if not least <= len(found) <= most or not found.isprintable():
        raise UnreadableError(f"{name}: must be {least} to {most} printable characters, got {found[:80]!r}")
    return found


def _json(body: Json) -> flask.Response:
    return flask.Response(json.dumps(body), HTTPStatus.OK, mimetype="application/json")


def _said(status: HTTPStatus, why: str) -> flask.Response:
    return flask.Response(json.dumps(why), status, mimetype="application/json")
