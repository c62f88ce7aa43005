"""What people are told of an incident, and when: the difference between what they heard and what is.

News is told at once where people would be woken for it: that something fires, and that it got worse. The opposite of what they
heard a moment ago waits until it settles, so that what flaps is told twice and not thirty times. In maintenance and under a
silence nothing is told; what has become of it is told when that ends. Nobody acknowledges: the next tier hears of it, and the
last one again and again. An acknowledgement stops all that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.events import Change, IncidentChange, Severity
from core.incidents.charter import Charter
from core.incidents.life import CARE, OPENS, Step, advance
from core.incidents.model import Heard, Incident, Ladder, Reason, State, Watch
from core.incidents.mute import Mute, Silence, muted
from core.incidents.routing import channels, facts, stakeholders
from core.settings.people import People

_REST = timedelta(hours=1)
"""After so long without news, flaps are forgotten."""
_DOUBLINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told about one incident.

    Attributes:
        incident: as it is now.
        change: what happened.
        reason: why it is told.
        at: the instant of what happened.
        channels: who hears of it, each once; may be empty.
        known: the incident's `Heard` before, for the words.
    """

    incident: Incident
    change: Change
    reason: Reason
    at: datetime
    channels: tuple[str, ...]
    known: Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Informed:
    """What comes of looking at who should hear what.

    Attributes:
        watch: what to remember.
        changes: what was written into timelines.
        notices: what is told.
        waits: whether something is to be told later, so that somebody must look again.
    """

    watch: Watch
    changes: tuple[IncidentChange, ...]
    notices: tuple[Notice, ...]
    waits: bool


@dataclass(frozen=True, slots=True)
class _News:
    change: Change
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is looked from: the instant of what was decided, the present, and what decisions go by."""

    at: datetime
    now: datetime
    charter: Charter
    silences: Sequence[Silence]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What comes of looking at one incident."""

    incident: Incident
    steps: tuple[Step, ...] = ()
    notice: Notice | None = None
    waits: bool = False


def inform(
    watch: Watch, *, at: datetime, now: datetime, charter: Charter, silences: Sequence[Silence] = ()
) -> Informed:
    """Find what people should hear by now.

    Args:
        watch: after whatever was decided.
        at: the instant of what was decided; the present when time alone has passed.
        now: the present, for what people are waited for.
        charter: what decisions go by.
        silences: by people, also those that are over.
    """
    view = _View(at=min(at, now), now=now, charter=charter, silences=silences)
    looks = [_looked(incident, view) for incident in watch.incidents]
    advanced = [advance(look.incident, look.steps) if look.steps else (look.incident, ()) for look in looks]
    incidents = tuple(incident for incident, _ in advanced)
    same = all(one is other for one, other in zip(incidents, watch.incidents, strict=True))
    return Informed(
        watch=watch if same else replace(watch, incidents=incidents),
        changes=tuple(change for _, written in advanced for change in written),
        notices=tuple(
            replace(look.notice, incident=incident)
            for look, incident in zip(looks, incidents, strict=True)
            if look.notice is not None
        ),
        waits=any(look.waits for look in looks),
    )


def _looked(incident: Incident, view: _View) -> _Look:
    news = _news(incident, view)
    if news is None:
        return _climbed(incident, view)
    if news.reason is Reason.HELD:
        return _Look(incident=incident, waits=True)
    if news.change in CARE and incident.heard.severity is None:
        return _Look(incident=_heard(incident, news, view, (), ()))  # those who take care need not be told
    if mute := mute_of(incident, view.now, view.charter, view.silences):
        return _quiet(incident, mute, news, view.at)
    return _told(incident, news, view)


def _news(incident: Incident, view: _View) -> _News | None:
    """What is, where people heard otherwise; None where they know."""
    if incident.state is State.RESOLVED:
        return _over(incident, view)
    return _on(incident) if incident.heard.firing else _back(incident, view)


def _on(incident: Incident) -> _News | None:
    """News of an incident that people know to fire."""
    heard = incident.heard
    if heard.severity is not None and incident.severity.rank > heard.severity.rank:
        return _News(Change.ESCALATED, Reason.WORSENED)
    if incident.unsaid:
        return _News(Change.UPDATED, Reason.ACTION)
    return None if heard.acknowledged else _care(incident)


def _back(incident: Incident, view: _View) -> _News | None:
    """News of an incident that fires, while people heard nothing of it, or that it is over."""
    heard = incident.heard
    if heard.severity is None:
        return _care(incident) or _News(Change.OPENED, Reason.FIRST_FIRING)
    if incident.severity.rank <= heard.severity.rank and _flaps(heard, view):
        return _News(Change.REOPENED, Reason.HELD)
    return _News(Change.REOPENED, Reason.FIRED_AGAIN)


def _over(incident: Incident, view: _View) -> _News | None:
    """News of an incident that is over."""
    heard = incident.heard
    if not heard.firing:
        late = heard.severity is None and incident.timeline[-1].reason is Reason.ALREADY_OVER
        return _News(Change.RESOLVED, Reason.ALREADY_OVER) if late else None
    if incident.merged_into:
        return _News(Change.RESOLVED, Reason.MERGED)
    if incident.closed_at is None and _flaps(heard, view):
        return _News(Change.RESOLVED, Reason.HELD)
    return _News(Change.RESOLVED, _why(incident, Change.RESOLVED) or Reason.ALL_RECOVERED)


def _care(incident: Incident) -> _News | None:
    """Whether somebody, or something, takes care of it."""
    if incident.state is State.ACKNOWLEDGED:
        return _News(Change.ACKNOWLEDGED, Reason.COMMANDED)
    if incident.state is State.MITIGATED:
        return _News(Change.MITIGATED, _why(incident, Change.MITIGATED) or Reason.COMMANDED)
    return None


def _why(incident: Incident, change: Change) -> Reason | None:
    return next((entry.reason for entry in reversed(incident.timeline) if entry.change is change), None)


def _flaps(heard: Heard, view: _View) -> bool:
    """Whether people heard the opposite so recently that it must settle first: longer with every flap, an hour at most."""
    settle = view.charter.policy.settle
    rest = min(settle * 2 ** min(heard.flaps, _DOUBLINGS), max(settle, _REST))
    return heard.at is not None and view.at < heard.at + rest


def mute_of(incident: Incident, now: datetime, charter: Charter, silences: Sequence[Silence]) -> Mute | None:
    """Why nobody is told of any of its targets, and the first instant at which that may end."""
    if not charter.maintenance and not silences:
        return None
    found = [muted(target, now, charter.maintenance, silences) for target in incident.targets or (incident.target,)]
    reasons = [mute for mute in found if mute is not None]
    return min(reasons, key=lambda mute: mute.until) if len(reasons) == len(found) else None


def _quiet(incident: Incident, mute: Mute, news: _News, at: datetime) -> _Look:
    """The incident while it is muted: that nobody is told is written down once, with the reason."""
    over = not incident.heard.firing and news.change is Change.RESOLVED
    # what was over before anybody heard of it is not told later either
    heard = replace(incident.heard, quiet=mute.reason, severity=incident.severity if over else incident.heard.severity)
    if incident.heard.quiet == mute.reason and not over:
        return _Look(incident=incident, waits=True)
    step = Step(Change.UPDATED, Reason.MUTED, at, f"not told ({news.change}): {mute.reason}")
    return _Look(incident=replace(incident, heard=heard), steps=(step,), waits=not over)


def _told(incident: Incident, news: _News, view: _View) -> _Look:
    ladders, to = _audience(incident, news, view.now, view.charter.people)
    if not to and news.change in OPENS:
        return _Look(
            incident=incident
        )  # no route leads to anybody now; one may later: by its hours, or when it is worse
    before = incident.heard
    incident = _heard(incident, news, view, ladders, to)
    if not to:
        return _Look(incident=incident)
    fresh = () if news.change is Change.UPDATED else ladders
    names = ", ".join(ladder.stakeholder for ladder in fresh) or "those who had heard of it"
    step = Step(Change.UPDATED, Reason.TOLD, view.at, f"{news.change}: told {names} ({', '.join(to)})")
    notice = Notice(incident=incident, change=news.change, reason=news.reason, at=view.at, channels=to, known=before)
    return _Look(incident=incident, steps=(step,), notice=notice)


def _heard(incident: Incident, news: _News, view: _View, ladders: tuple[Ladder, ...], to: tuple[str, ...]) -> Incident:
    """The incident, of which people have heard the news."""
    before, at = incident.heard, view.at
    if news.change is Change.UPDATED:
        heard = replace(before, count=before.count + bool(to))
        return replace(incident, heard=heard, unsaid="")
    flaps = before.flaps if before.at is not None and at - before.at < _REST else 0
    heard = Heard(
        firing=news.change is not Change.RESOLVED,
        severity=_worst_told(incident, news),
        at=at if before.at is None else max(at, before.at),
        flaps=flaps + (news.change is Change.REOPENED),
        count=before.count + bool(to),
        channels=tuple(dict.fromkeys((*before.channels, *to))),
        ladders=ladders,
        acknowledged=_care(incident) is not None,
    )
    asked = None if news.change in OPENS else incident.asked
    return replace(incident, heard=heard, unsaid="", asked=asked)


def _worst_told(incident: Incident, news: _News) -> Severity:
    before = incident.heard.severity
    if before is None or news.change is Change.REOPENED or incident.severity.rank > before.rank:
        return incident.severity
    return before


def _audience(
    incident: Incident, news: _News, now: datetime, people: People
) -> tuple[tuple[Ladder, ...], tuple[str, ...]]:
    """How far up the tiers it is after the news, and the channels that hear it."""
    heard, over = incident.heard, news.change is Change.RESOLVED
    if news.change is Change.UPDATED:
        return heard.ladders, heard.channels
    if news.change in CARE or (over and heard.firing):
        return (), heard.channels
    known = {ladder.stakeholder: ladder for ladder in heard.ladders} if news.change is Change.ESCALATED else {}
    names = [name for name in stakeholders(facts(incident), people, now) if name in people.stakeholders]
    ladders = tuple(known.pop(name) if name in known else Ladder(stakeholder=name, tier=0, since=now) for name in names)
    ladders = (*ladders, *known.values())
    to = [name for ladder in ladders for name in _channels(ladder, people, now)]
    before = heard.channels if news.change is Change.ESCALATED else ()
    return () if over else ladders, tuple(dict.fromkeys((*to, *before)))


def _climbed(incident: Incident, view: _View) -> _Look:
    """The next tiers where nobody acknowledged in time, and reminders where there is none."""
    heard, people, now = incident.heard, view.charter.people, view.now
    if not heard.ladders or incident.state is not State.OPEN or not heard.firing:
        return _Look(incident=incident)
    pairs = [(ladder, _next(ladder, incident, now, people)) for ladder in heard.ladders]
    moved = [after for before, after in pairs if after is not before]
    if not moved or mute_of(incident, view.now, view.charter, view.silences):
        return _Look(incident=incident)
    higher = any(after.tier > before.tier for before, after in pairs)
    change, reason = (Change.ESCALATED, Reason.NOT_ACKNOWLEDGED) if higher else (Change.UPDATED, Reason.REMINDER)
    to = tuple(dict.fromkeys(name for ladder in moved for name in _channels(ladder, people, now)))
    told = replace(
        heard,
        ladders=tuple(after for _, after in pairs),
        count=heard.count + 1,
        channels=tuple(dict.fromkeys((*heard.channels, *to))),
    )
    names = ", ".join(f"{ladder.stakeholder} tier {ladder.tier + 1}" for ladder in moved)
    step = Step(Change.UPDATED, reason, now, f"nobody acknowledged: told {names} ({', '.join(to) or 'no channel'})")
    incident = replace(incident, heard=told)
    notice = Notice(incident=incident, change=change, reason=reason, at=now, channels=to, known=heard)
    return _Look(incident=incident, steps=(step,), notice=notice)


def _next(ladder: Ladder, incident: Incident, now: datetime, people: People) -> Ladder:
    group = people.stakeholders.get(ladder.stakeholder)
    if group is None or incident.severity not in group.page:
        return ladder
    waited = now - ladder.since
    if ladder.tier + 1 < len(group.tiers):
        due = waited >= group.tiers[ladder.tier].wait
        return Ladder(stakeholder=ladder.stakeholder, tier=ladder.tier + 1, since=now) if due else ladder
    due = group.remind_every is not None and waited >= group.remind_every
    return replace(ladder, since=now) if due else ladder


def _channels(ladder: Ladder, people: People, now: datetime) -> Iterable[str]:
    group = people.stakeholders.get(ladder.stakeholder)
    if group is None:
        return ()
    return channels(group.tiers[min(ladder.tier, len(group.tiers) - 1)].to, people, now)
