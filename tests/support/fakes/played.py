"""Incidents as they are decided, told and kept, in memory and by the clock of the test: what a desk does, without the outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.events import ActionDecision, Command, Finding, Mode, Severity, Stage, Status, Verb
from core.incidents.age import age
from core.incidents.charter import Charter
from core.incidents.commands import note, obey
from core.incidents.fold import fold
from core.incidents.messages import Message, compose
from core.incidents.model import Decision, Incident, Reason, Watch
from core.incidents.mute import Silence
from core.incidents.notice import Notice, inform
from core.incidents.outbox import Desk, Effect, after, without
from core.settings.people import People, Route, Stakeholder, Tier, When

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
MODEL = "model/flight-delay"
TECHNICAL = Stakeholder(
    name="technical",
    tiers=(Tier(to=("inbox",), wait=timedelta(minutes=5)), Tier(to=("pager",), wait=timedelta(minutes=15))),
)
PEOPLE = People(stakeholders={"technical": TECHNICAL}, routes=(Route(when=When(), to=("technical",)),))
CHARTER = Charter(people=PEOPLE, url="http://pages/")
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


def at(minute: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minute)


def found(minute: float, status: Status = FIRING, severity: Severity = Severity.ERROR, **fields: Any) -> Finding:
    """What a detector noticed so many minutes after the start."""
    finding = Finding(
        target=MODEL,
        kind="drift",
        status=status,
        severity=severity,
        observed_at=at(minute),
        source="drift_score",
        summary="departure_delay drifted",
    )
    return replace(finding, **fields)


@dataclass
class Played:
    """A group of targets, and everything that was said about it."""

    charter: Charter = CHARTER
    silences: Sequence[Silence] = ()
    desk: Desk = field(default_factory=lambda: Desk(watch=Watch(group=MODEL)))
    decisions: list[Decision] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    gone: list[Effect] = field(default_factory=list)
    waits: bool = False
    delivers: bool = True
    """Whether everything that is pending is done at once."""
    copies: bool = False
    """Whether at least the copies are made, as wherever the store takes the desk."""

    @property
    def watch(self) -> Watch:
        return self.desk.watch

    @property
    def incident(self) -> Incident:
        """The newest one that is no part of another."""
        return [one for one in self.watch.incidents if not one.merged_into][-1]

    @property
    def told(self) -> list[str]:
        return [notice.change.value for notice in self.notices]

    @property
    def why(self) -> list[Reason]:
        return [notice.reason for notice in self.notices]

    @property
    def heard_by(self) -> list[tuple[str, ...]]:
        return [notice.channels for notice in self.notices]

    def find(self, *findings: Finding, now: datetime | None = None) -> "Played":
        for finding in findings:
            present = now or finding.observed_at
            decision = fold(self.watch, finding, now=present, charter=self.charter)
            self._take(decision, finding.observed_at, present)
        return self

    def say(self, verb: Verb, minute: float, *, about: str = "", words: str = "") -> "Played":
        said = Command(verb=verb, subject=about or self.incident.id, by="Ada", at=at(minute), note=words)
        self._take(obey(self.watch, said), at(minute), at(minute))
        return self

    def act(self, minute: float, *, stage: Stage = Stage.VERIFIED, mode: Mode = Mode.ACT, **fields: Any) -> "Played":
        decision = ActionDecision(
            request_id="r",
            sequence=int(minute),
            incident_id=self.incident.id,
            action="restart_service",
            target=MODEL,
            mode=mode,
            stage=stage,
            reason="healthy",
            at=at(minute),
        )
        self._take(note(self.watch, replace(decision, **fields)), at(minute), at(minute))
        return self

    def sweep(self, *minutes: float) -> "Played":
        for minute in minutes:
            self._take(age(self.watch, at(minute), charter=self.charter), at(minute), at(minute))
        return self

    def _take(self, decision: Decision, instant: datetime, now: datetime) -> None:
        self.decisions.append(decision)
        informed = inform(decision.watch, at=instant, now=now, charter=self.charter, silences=self.silences)
        told = [one for notice in informed.notices for one in compose(informed.watch, notice, url=self.charter.url)]
        self.notices += informed.notices
        self.messages += told
        self.waits = informed.waits
        self.desk, gone = after(
            self.desk,
            informed.watch,
            changes=(*decision.changes, *informed.changes),
            messages=told,
            waits=informed.waits,
            now=now,
            reopen_within=self.charter.policy.reopen_within,
        )
        self.gone += gone
        done = [one for one in self.desk.pending if self.delivers or (self.copies and one.lane == "copy")]
        self.desk = without(self.desk, {one.key for one in done})
