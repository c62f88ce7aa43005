"""A comparison as it is reported: the numbers of each channel, and the whole as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.replay.compare import Comparison, Request, Told, Verdict
from core.settings.people import People
from core.text import duration, instant, period


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What was replayed.

    Attributes:
        settings: where the settings are from.
        since: the start of what is compared.
        until: the last decision.
        kept_since: the first decision that is kept; what was decided before `since` is replayed and not compared.
        findings: the number of findings that were replayed.
        skipped: commands and answers about incidents that the replay does not have.
    """

    settings: str
    since: datetime
    until: datetime
    kept_since: datetime
    findings: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The messages of one channel, as they were and as they would be.

    Attributes:
        channel: the name.
        people: who is reached by it, as the rotations say.
        told: messages.
        would: messages.
        pages: that asked a person to act.
        would_page: the same.
        woken: pages out of hours.
        would_wake: the same.
    """

    channel: str
    people: tuple[str, ...]
    told: int
    would: int
    pages: int
    would_page: int
    woken: int
    would_wake: int


def receivers(comparison: Comparison, people: People) -> list[Receiver]:
    """The numbers of each channel, by name."""
    reached = _people(people)
    names = sorted({one.channel for one in (*comparison.told, *comparison.would)})
    return [_receiver(comparison, name, tuple(sorted(reached.get(name, ())))) for name in names]


def _receiver(comparison: Comparison, name: str, people: tuple[str, ...]) -> Receiver:
    watch = comparison.watch
    told = [one for one in comparison.told if one.channel == name]
    would = [one for one in comparison.would if one.channel == name]
    return Receiver(
        channel=name,
        people=people,
        told=len(told),
        would=len(would),
        pages=sum(map(watch.is_page, told)),
        would_page=sum(map(watch.is_page, would)),
        woken=sum(map(watch.wakes, told)),
        would_wake=sum(map(watch.wakes, would)),
    )


def _people(people: People) -> Mapping[str, set[str]]:
    reached: dict[str, set[str]] = {}
    for rotation in people.rotations.values():
        for person in rotation.everybody:
            for channel in person.channels:
                reached.setdefault(channel, set()).add(person.name)
    return reached


def counts(comparison: Comparison) -> dict[str, int]:
    """The number of messages by verdict."""
    found = [one.verdict for one in comparison.differences]
    return {verdict.value: found.count(verdict) for verdict in Verdict}


def result(header: Header, comparison: Comparison, people: People) -> dict[str, Any]:
    """The whole comparison, without the messages that are the same."""
    return {
        **asdict(header),
        "messages": counts(comparison),
        "channels": [asdict(one) for one in receivers(comparison, people)],
        "differences": [
            {"verdict": one.verdict.value, "told": _message(one.told), "would": _message(one.would)}
            for one in comparison.changed
        ],
        "merged": [asdict(one) for one in comparison.merges],
        "actions": {
            "requested": len(comparison.requested),
            "would_request": len(comparison.would_request),
            "added": [asdict(one) for one in comparison.new_requests],
            "removed": [asdict(one) for one in comparison.gone_requests],
        },
    }


def _message(told: Told | None) -> dict[str, Any] | None:
    return asdict(told) if told else None


def lines(header: Header, comparison: Comparison) -> Iterator[str]:
    """What was found, in sentences."""
    found = counts(comparison)
    yield (
        f"{duration(header.until - header.since)}, {period(header.since, header.until)}, {header.findings:,} findings:"
        f" {len(comparison.told):,} messages were sent, {len(comparison.would):,} would be with {header.settings}."
    )
    if not comparison.changed:
        yield "No message would differ."
    else:
        yield (
            f"{found['added']:,} would be new and {found['removed']:,} would be gone, {found['earlier']:,} would come earlier and"
            f" {found['later']:,} later; {found['same']:,} are the same."
        )
    if header.skipped:
        yield (
            f"{header.skipped:,} commands and answers of actions are left out: their incident or action would not be there."
        )


def action(request: Request) -> str:
    """A request in one line."""
    mode = "" if request.mode == "act" else " (dry run)"
    return f"{instant(request.at)} {request.action} on {request.target}{mode}"


def woken(comparison: Comparison) -> Sequence[tuple[str, Told]]:
    """Pages out of hours that would be new or gone, in order."""
    watch = comparison.watch
    return [
        (one.verdict.value, one.message)
        for one in comparison.changed
        if one.verdict in (Verdict.ADDED, Verdict.REMOVED) and watch.wakes(one.message)
    ]
