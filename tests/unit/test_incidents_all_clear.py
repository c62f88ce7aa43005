"""No false all-clear: nothing ends while a source's last word is that it fires, whatever is delivered, repeated or commanded."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Finding, Severity, Status, Verb
from core.incidents import capacity
from core.incidents.commands import VERBS
from core.incidents.lifecycle import ENDINGS
from core.incidents.model import GroupState, Incident, State
from core.incidents.outbox import IncidentGroup
from core.settings.response import Policy
from tests.support.builders.budget import examples
from tests.support.fakes.played import FIRING, POLICY, RESOLVED, Played, at, found

KINDS = 6
WHOLE = "service/shop"
KEPT = 3
"""Conditions in detail: the others are in the digest."""
TIMING = Policy(resolve_after=timedelta(hours=6), reopen_resolved=timedelta(minutes=15))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "fires",
                "fires",
                "recovers",
                "repeats",
                "redelivers",
                "sweeps",
                "acts",
                "says",
                "all fire",
                "others recover",
                "merges",
                "merges",
                "splits",
                "whole fires",
                "whole recovers",
                "whole says",
            ]
        ),
        st.integers(0, KINDS - 1),
        st.sampled_from([0, 1, 4, 10, 16, 35, 200, 400]),  # minutes until the next step
        st.sampled_from([0, 0, 3, 90]),  # minutes that a finding is late
        st.sampled_from([None, None, 5, 300]),  # minutes for which it holds
        st.sampled_from(list(Severity)),
        st.sampled_from(sorted(VERBS)),
    ),
    max_size=25,
)
"""Long pauses too, so that what flaps gets calm, and comes back."""


@dataclass
class Story:
    """What sources said, and the group that heard of it."""

    played: Played = field(default_factory=lambda: Played(replace(POLICY, timing=TIMING)))
    whole: Played = field(
        default_factory=lambda: Played(
            replace(POLICY, timing=TIMING), group=IncidentGroup(state=GroupState(name=WHOLE))
        )
    )
    """Another group, into whose incidents those of the first are merged."""
    delivered: int = 0
    heard: list[tuple[Finding, datetime]] = field(default_factory=list)
    minute: float = 0.0
    seen: int = 0

    def step(self, step: tuple[Any, ...]) -> None:
        """One step, a sweep, and a look."""
        what, kind, wait, late, holds, severity, verb = step
        if what in ("fires", "recovers"):
            self.say(kind, FIRING if what == "fires" else RESOLVED, late, holds, severity)
        elif what == "all fire":
            for each in range(KINDS):
                self.say(each, FIRING, late, holds, severity)
        elif what == "others recover":
            for other in range(KINDS):
                if other != kind:
                    self.say(other, RESOLVED, 0, None, severity)
        elif what in ("repeats", "redelivers") and self.heard:
            finding, published_at = self.heard[kind % len(self.heard)]
            self.hear(finding, at(self.minute) if what == "repeats" else published_at)
        elif what == "acts" and self.is_about_one():
            self.played.act(self.minute)
        elif what == "says" and self.is_about_one():
            self.played.say(verb, self.minute)
        else:
            self.about_whole(what, severity, verb)
        self.deliver()
        self.look()
        self.minute += wait
        self.sweep(self.minute)
        self.look(swept=True)

    def about_whole(self, what: str, severity: Severity, verb: Verb) -> None:
        """A step of the other group, or of both."""
        if what in ("whole fires", "whole recovers"):
            status = FIRING if what == "whole fires" else RESOLVED
            self.whole.find(found(self.minute, status, severity, target=WHOLE))
        elif what == "whole says" and self.whole.state.incidents:
            self.whole.say(verb, self.minute)
        elif what == "merges":
            self.merge()
        elif what == "splits":
            for part in [one for one in self.played.state.incidents if one.is_part]:
                self.played.say(Verb.SPLIT, self.minute, about=part.id)

    def merge(self) -> None:
        """Merge the newest incident into that of the other group, where both are live."""
        parts, wholes = (
            [one for one in group.state.incidents if one.state is not State.RESOLVED]
            for group in (self.played, self.whole)
        )
        if parts and wholes:
            self.played.merge(self.whole, self.minute, about=parts[-1].id, into=wholes[-1].id)

    def deliver(self) -> None:
        """What parts report is delivered in the wrong order, and twice."""
        reports = self.played.reported[self.delivered :]
        self.delivered = len(self.played.reported)
        self.whole.find(*reversed(reports), *reports, now=at(self.minute))

    def sweep(self, minute: float) -> None:
        self.played.sweep(minute)
        self.deliver()
        self.whole.sweep(minute)

    def roots(self) -> list[Incident]:
        """The incidents, and those that they are parts of, also where these were merged on."""
        wholes = {one.id: one for one in self.whole.state.incidents}
        into = {one.merged_into for one in self.played.state.incidents if one.is_part}
        while onward := {wholes[name].merged_into for name in into & wholes.keys()} - into - {""}:
            into |= onward
        return [*self.played.state.incidents, *(wholes[name] for name in into & wholes.keys())]

    def end(self) -> None:
        """Every source says that it is over: then it is."""
        self.minute += 1
        for kind in range(KINDS):
            self.say(kind, RESOLVED, 0, None, Severity.INFO)
        self.whole.find(found(self.minute, RESOLVED, target=WHOLE))
        self.sweep(self.minute + 1)
        known = (*self.played.state.incidents, *self.whole.state.incidents)
        live = [one.id for one in known if one.lasts]
        assert not live, f"everything is over, and {live} are open"

    def say(self, kind: int, status: Status, late: int, holds: int | None, severity: Severity) -> None:
        """What a source says of a condition."""
        until = at(self.minute - late + holds) if holds and status is FIRING else None
        finding = found(self.minute - late, status, severity, kind=f"k{kind}", holds_until=until)
        self.hear(finding, at(self.minute))

    def hear(self, finding: Finding, published_at: datetime) -> None:
        self.heard.append((finding, published_at))
        self.played.find(finding, now=published_at)

    def is_about_one(self) -> bool:
        """Whether there is an incident that is no part of another."""
        return any(not one.merged_into for one in self.played.state.incidents)

    def holding(self) -> dict[str, datetime]:
        """What fires by the last word of its source, and when it said so last; of one instant the recovery is the last word."""
        holds: dict[str, datetime] = {}
        for kind in {finding.kind for finding, _ in self.heard}:
            own = [(finding, when) for finding, when in self.heard if finding.kind == kind]
            last = max(own, key=lambda one: (one[0].observed_at, one[0].status is RESOLVED))[0]
            said = [(f, when) for f, when in own if f.status is FIRING and f.observed_at == last.observed_at]
            spoke = max((max(when, f.observed_at) for f, when in said), default=last.observed_at)
            until = max((f.holds_until for f, _ in said if f.holds_until), default=None)
            # The renewal of what is repeated is saved a few times until it expires only.
            ends = until or spoke + TIMING.resolve_after * 23 / 24
            if last.status is FIRING and ends > at(self.minute):
                holds[kind] = spoke
        return holds

    def look(self, *, swept: bool = False) -> None:
        """Nothing has ended that holds, unless a person said so; by the next sweep that is believed for a while only."""
        self.look_at_ends()
        self.look_at_messages(swept=swept)
        holds = self.holding()
        if not holds:
            return
        live = [one for one in self.roots() if one.state is not State.RESOLVED]
        closed = [one for one in self.roots() if one.closed_at is not None]
        assert live or closed, f"{sorted(holds)} fire, and nothing is open"
        assert not swept or live or any(self.is_believed(one, holds) for one in closed), (
            f"{sorted(holds)} fire on, and nobody is told"
        )

    def look_at_ends(self) -> None:
        """What is called resolved was resolved by its sources, or by a person: what only went silent is called that."""
        for one in self.played.state.incidents[-1:]:
            if one.state is not State.RESOLVED or one.expired or one.closed_at or one.merged_into:
                continue
            for key in one.conditions:
                own = [finding for finding, _ in self.heard if finding.condition == key]
                last = max(own, key=lambda finding: (finding.observed_at, finding.status is RESOLVED))
                assert last.status is RESOLVED, f"{key} only went silent, and is called resolved"

    def look_at_messages(self, *, swept: bool) -> None:
        """Nobody is told that it is resolved while it is open; what stays on after a pause, or after it flapped, is told."""
        told = self.played.notifications[self.seen :]
        self.seen += len(told)
        for one in told:
            assert one.change not in ENDINGS or one.incident.state is State.RESOLVED, f"{one.change} while it is open"
        for incident in self.played.state.incidents:
            if not swept or incident.state is not State.OPEN:
                continue
            now, notified = at(self.minute), incident.notified
            settles = notified.at is not None and now < notified.at + timedelta(hours=1)
            assert notified.firing or settles, f"{incident.id} fires, and nobody is told"
            flaps = notified.flapping and now >= incident.last_opened_at + TIMING.calm_after
            assert not flaps, f"{incident.id} stays on, and people are told that it flaps"

    def is_believed(self, incident: Incident, holds: dict[str, datetime]) -> bool:
        """Whether the word of a person stands: a false alarm, a short while ago, or said again since a source spoke."""
        assert incident.closed_at is not None
        if incident.cancelled or at(self.minute) - incident.closed_at < TIMING.reopen_resolved:
            return True
        reopened = any(
            entry.reason.value == "still_firing" and entry.change.value == "reopened" for entry in incident.timeline
        )
        return reopened and all(spoke <= incident.closed_at for spoke in holds.values())


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "CONDITIONS_LIMIT", KEPT)


@given(STEPS)
@settings(max_examples=examples(3000), deadline=None)
def test_nothing_ends_while_the_last_word_of_a_source_is_that_it_fires(steps: list[tuple[Any, ...]]) -> None:
    story = Story()
    for step in steps:
        story.step(step)
    if not any(step[0] in ("says", "whole says") and step[-1] is Verb.REOPEN for step in steps):
        story.end()
