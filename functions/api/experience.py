"""Browser reports of user experience: validated strictly, and published as rows of a table.

Every viewer of the page may send reports, so they are small, of few kinds, and anonymous. A browser's
clock may be wrong by hours: the report has the age of an event, and the instant is computed here.

A lost report costs nothing, and people on call open the page just when a dependency is down: so reports wait
for the bus only for a moment, and only few of them at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Annotated

import msgspec

from core.errors import Fault, UnavailableError
from core.experience.report import Device
from functions.adapters.ports import Clock, Data, RowBus
from functions.api.body import BodyError, payload
from functions.api.request import Request

TOPIC, TABLE = "telemetry", "experience"
OWN, OTHER = "aia", "other"
"""The service that the pages of this system report as, and that of the services which are not in the settings."""
MOST_EVENTS = 100
OLDEST = timedelta(minutes=15)
LONGEST_SECONDS = 600.0
"""Of a frame, a page load or a request: a longer time means that the computer was asleep."""
PATIENCE = 2.0
"""Seconds that a report waits for the bus."""
AT_ONCE = 2
"""Reports of an instance that wait for the bus at the same time, of the eight requests that it answers."""
RETRY_AFTER = 60
"""Seconds after which a report may be sent again: as often as a page reports anyway."""
_SHOWN = 80

_Service = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{8,64}$")]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)]
_Ago = Annotated[float, msgspec.Meta(ge=0, le=OLDEST.total_seconds())]


class _Event(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, kw_only=True):
    ago: _Ago


class _Frame(_Event, tag="frame"):
    value: _Seconds


class _Load(_Event, tag="load"):
    value: _Seconds


class _Request(_Event, tag="request"):
    failed: bool
    value: _Seconds | None = None


class _View(_Event, tag="view"):
    pass


class _Report(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    report: _Name
    service: _Service
    session: _Name
    device: Device
    events: Annotated[list[_Frame | _Load | _Request | _View], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


_decoder = msgspec.json.Decoder(_Report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """Receives reports.

    Attributes:
        services: those that are known by name; reports of others are those of `OTHER`, because anybody may send some.
        bus: opens the bus at its first use.
        clock: now.
    """

    services: frozenset[str]
    bus: Callable[[], RowBus]
    clock: Clock
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    def take(self, request: Request) -> str:
        """Publish the events of a report.

        Returns:
            The id of the report; sent again under it, its events count once.

        Raises:
            BodyError: it is no report; the error says where and why.
            UnavailableError: the bus does not accept it, or too many reports are waiting for it.
        """
        report = _decoded(payload(request))
        if not self._places.acquire(blocking=False):
            raise UnavailableError(f"reports: {AT_ONCE} wait for the bus already")
        try:
            self.bus().publish_rows(TOPIC, list(self._rows(report)), table=TABLE)
        finally:
            self._places.release()
        return report.report

    def _rows(self, report: _Report) -> Iterator[Data]:
        now, service = self.clock(), report.service if report.service in self.services else OTHER
        for number, event in enumerate(report.events):
            yield {
                "event_id": f"{report.session}:{report.report}:{number}",
                "observed_at": now - timedelta(seconds=event.ago),
                "service": service,
                "session_id": report.session,
                "device": report.device,
                "kind": event.__struct_config__.tag,
                "value": getattr(event, "value", None),
                "failed": getattr(event, "failed", None),
            }


def _decoded(data: bytes) -> _Report:
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError([Fault("body", f"must be a report ({error})", repr(data[:_SHOWN]))]) from error
