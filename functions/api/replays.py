"""Replays of what happened with other settings: each is an operation that is asked for, carried out, and kept for a day."""

import base64
import gzip
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import msgspec
from werkzeug.exceptions import Conflict

from core.errors import AiaError, ConflictError, Fault, SettingsError
from core.settings.values import duration
from functions.adapters.ports import Clock, Data, Document, Store, Warehouse
from functions.adapters.store import every
from functions.api.body import BodyError, Fields, mapping
from functions.api.reply import Started
from functions.api.request import Request
from functions.services.incidents.kept_decisions import Row
from functions.services.replay.child import Answer, Asked, proposal
from functions.services.replay.process import SECONDS, decided
from functions.services.replay.read import days
from functions.services.replay.run import HOURS, working

log = logging.getLogger(__name__)
COLLECTION = "api_replays"
SLOT = "slot"
"""The document of the one that is carried out: one at a time, of all instances."""
LARGEST = 262_144
"""Bytes of a body."""
LONGEST, WARM_UP, MOST_WARM_UP = timedelta(days=90), timedelta(days=7), timedelta(days=30)
"""Of what is compared, and before it."""
USUAL = timedelta(days=30)
RECORDED = timedelta(days=400)
"""How long decisions are kept."""
KEPT = timedelta(hours=24)
MOST_KEPT = 50
MOST_FAULTS = 100
"""Of settings that are refused, those that are listed."""
LEASE = timedelta(seconds=SECONDS + 60)
"""After that, one that has not ended was interrupted."""
ASK_SECONDS, LOOK_SECONDS = 8.0, 4.0
"""How long whoever asks for one, and whoever asks how it is, waits for its end: meanwhile the instance has its processor."""
_ID = re.compile(r"[0-9a-f]{32}")
_SHOWN = ("state", "by", "asked_at", "ended_at", "since", "until", "expires_at", "detail")
Decide = Callable[[Asked, Iterable[list[Row]]], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Carries out replays, and keeps their results.

    Attributes:
        warehouse: has the decisions.
        store: has the results.
        clock: now.
        decide: decides anew.
    """

    warehouse: Warehouse
    store: Store
    clock: Clock
    decide: Decide = decided
    _running: dict[str, Thread] = field(default_factory=dict)

    def start(self, request: Request) -> Started:
        """Start a replay; it has ended where that takes some seconds only.

        Raises:
            BodyError: the body is invalid.
            Conflict: another one is being carried out.
            UnavailableError: the store does not answer.
        """
        now = self.clock()
        by, asked, until = _asked(request, now)
        identifier = uuid.uuid4().hex
        self._forget(now)
        slot = self._take(identifier, now)
        told = {"by": by, "asked_at": now, "since": asked.since, "until": until, "expires_at": now + KEPT}
        unknown = {"state": "running", "ended_at": None, "detail": "", "result": "", "due_at": now + LEASE}
        document = self._written(identifier, told | unknown, slot)
        context = copy_context()
        carry_out = (self._carry_out, document, slot, asked, until)
        thread = self._running[identifier] = Thread(target=context.run, args=carry_out, daemon=True)
        thread.start()
        thread.join(ASK_SECONDS)
        return Started(self._shown(identifier), f"{request.path}/{identifier}")

    def one(self, identifier: str) -> Data:
        """A replay, with its comparison where it is done; of one that is being carried out here, the end is awaited for some seconds.

        Raises:
            LookupError: there is none, or it is kept no longer.
            UnavailableError: the store does not answer.
        """
        if thread := self._running.get(identifier):
            thread.join(LOOK_SECONDS)
        return self._shown(identifier)

    def _shown(self, identifier: str) -> Data:
        found = self.store.get(COLLECTION, identifier) if _ID.fullmatch(identifier) else None
        now = self.clock()
        if found is None or found.data["expires_at"] <= now:
            raise LookupError(f"replay: none has the id {identifier[:80]!r}; they are kept for a day")
        data = found.data
        if data["state"] == "running" and data["due_at"] <= now:
            data = data | {"state": "failed", "detail": "it was interrupted; ask again", "ended_at": data["due_at"]}
        result = gzip.decompress(base64.b64decode(data["result"])) if data["result"] else b"null"
        return {"id": identifier, **{name: data[name] for name in _SHOWN}, "comparison": msgspec.json.decode(result)}

    def _take(self, identifier: str, now: datetime) -> Document:
        data: Data = {"replay": identifier, "due_at": now + LEASE}
        known = self.store.get(COLLECTION, SLOT)
        try:
            if known is None:
                return self.store.create(COLLECTION, SLOT, data)
            if known.data["due_at"] <= now:
                return self.store.replace(known, COLLECTION, data)
        except ConflictError:
            known = None
        other = f", {known.data['replay']} is carried out" if known else ""
        raise Conflict(f"replay: must be one at a time{other}; ask again in a minute")

    def _written(self, identifier: str, data: Data, slot: Document) -> Document:
        try:
            return self.store.create(COLLECTION, identifier, data)
        except AiaError:
            self._release(slot)
            raise

    def _release(self, slot: Document) -> None:
        try:
            self.store.delete(slot, COLLECTION)
        except ConflictError:
            pass  # its time has passed, and it is another one's
        except AiaError as error:
            log.warning("replay %s: the next one waits for its time to pass: %s", slot.data["replay"], error)

    def _carry_out(self, document: Document, slot: Document, asked: Asked, until: datetime) -> None:
        try:
            found = self._decided(asked, until)
            self._keep(document, found | {"ended_at": self.clock()})
        except AiaError as error:
            log.warning("replay %s: what it found is not kept: %s", document.key, error)
        finally:
            self._running.pop(document.key, None)
            self._release(slot)

    def _keep(self, document: Document, found: Data) -> None:
        try:
            self.store.replace(document, COLLECTION, document.data | found)
        except ValueError as error:
            why = f"since: must be later, what would be different is too much to be kept ({error})"
            self.store.replace(document, COLLECTION, document.data | found | _failed(why) | {"result": ""})

    def _decided(self, asked: Asked, until: datetime) -> Data:
        try:
            answer = self.decide(asked, days(self.warehouse, asked.since - asked.warm_up, until))
        except AiaError as error:
            return _failed(str(error))
        except Exception:
            log.exception("replay: failed")
            return _failed("the replay failed; the log says why")
        if answer.fault:
            return _failed(answer.fault)
        if answer.comparison is None:
            return {"state": "done", "detail": "no decision of that time is kept"}
        packed = gzip.compress(msgspec.json.encode(answer.comparison), mtime=0)
        return {"state": "done", "result": base64.b64encode(packed).decode()}

    def _forget(self, now: datetime) -> None:
        """Delete what is kept no longer: Firestore does it by its TTL policy, a file does not."""
        known = [one for one in every(self.store, COLLECTION) if one.key != SLOT]
        known.sort(key=lambda one: one.data["expires_at"], reverse=True)
        for number, one in enumerate(known):
            if number >= MOST_KEPT or one.data["expires_at"] <= now:
                try:
                    self.store.delete(one, COLLECTION)
                except ConflictError:
                    continue


def _failed(why: str) -> Data:
    return {"state": "failed", "detail": why}


def _asked(request: Request, now: datetime) -> tuple[str, Asked, datetime]:
    """Who asks, what, and until when."""
    fields = Fields(mapping(request, LARGEST), request.person, request.verified)
    fields.only("by", "settings", "since", "until", "warm_up", "hours", "pages")
    by, until = fields.by(), min(now, fields.instant("until", default=now))
    if until < now - RECORDED:
        fields.fault("until", f"must be of the last {RECORDED.days} days", until.isoformat())
        until = now
    asked = Asked(
        settings=_text(fields),
        hours=_hours(fields),
        pages=fields.names("pages"),
        since=fields.instant("since", default=until - USUAL),
        warm_up=_warm_up(fields),
    )
    if not timedelta(0) < until - asked.since <= LONGEST:
        fields.fault("since", f"must be before until, and at most {LONGEST.days} days", asked.since.isoformat())
    fields.check()
    try:
        proposal(asked)
    except SettingsError as error:
        raise BodyError([*_listed(error.faults)]) from error
    return by, asked, until


def _listed(faults: Sequence[Fault]) -> Iterator[Fault]:
    """The faults of the settings, of which a long file may have megabytes."""
    for one in faults[:MOST_FAULTS]:
        yield Fault(_path(one.path), one.allowed, one.given)
    if len(faults) > MOST_FAULTS:
        yield Fault("settings", f"must be right, {len(faults) - MOST_FAULTS:,} more faults are not listed")


def _text(fields: Fields) -> str:
    given = fields.body.get("settings")
    if isinstance(given, dict):
        return msgspec.json.encode(given).decode()
    if not isinstance(given, str) or not given.strip():
        fields.fault("settings", "must be YAML as text, or an object", given)
        return ""
    return given


def _hours(fields: Fields) -> str:
    given: Any = fields.body.get("hours", HOURS)
    if not isinstance(given, str) or working(given) is None:
        fields.fault("hours", f"must be as in {HOURS}", given)
        return HOURS
    return given


def _warm_up(fields: Fields) -> timedelta:
    given = fields.body.get("warm_up", f"{WARM_UP.days}d")
    found = duration(given)
    if found is None or found > MOST_WARM_UP:
        fields.fault("warm_up", f"must be a time, as in 12h, at most {MOST_WARM_UP.days}d", given)
        return WARM_UP
    return found


def _path(path: str) -> str:
    return path if path.partition(":")[0] == "settings" else f"settings.{path}"
