"""Incidents as the terminal shows them: a table of many, and one on a screen."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.text import Text

from core.events import Stage, Status
from core.text import comparison, number
from functions.cli.api import Answer
from functions.cli.screen import NOT_KNOWN, age, at, cell, console, fields, print_table, table_of, word

_STEPS = 12
"""The newest steps of a timeline that fit on a screen; `aia explain` has all that are kept."""
_CONDITIONS = 8


def print_incidents(found: Sequence[Answer], *, more: bool) -> None:
    """Print a table of incidents, of which there may be more."""
    if not found:
        console().print("no incident matches")
        return
    now = datetime.now(UTC)
    table = table_of("severity", "age", "incident", "who has it")
    for one in found:
        table.add_row(
            Text.assemble(word(one["severity"]), "\n", cell(one["state"])),
            Text.assemble(cell(age(one["opened_at"], now)), "\n", cell(_at_risk(one["dollars_per_hour"]))),
            Text.assemble(cell(one["title"]), "\n", cell(one["id"], "dim")),
            cell(_has(one)),
        )
    print_table(table)
    if more:
        console().print(f"the first {len(found)}; --limit shows more")


def _has(listed: Answer) -> str:
    """Who has it; of an incident of which only the history tells, that is not known."""
    owner = listed["acknowledged_by"]
    return NOT_KNOWN if owner is None else owner or "nobody"


def _at_risk(dollars_per_hour: float | None) -> str:
    """The revenue at risk by the hour, or that it is not known."""
    return NOT_KNOWN if dollars_per_hour is None else f"{number(dollars_per_hour, 'dollars')}/h"


def print_incident(incident: Answer, url: str) -> None:
    """Print one incident: what, how bad, since when, what to do, who was notified, and its newest steps.

    Args:
        incident: as the API has it.
        url: of the API, which has the runbooks.
    """
    out, table = console(), fields()
    out.print(Text.assemble(word(incident["severity"]), " ", cell(_state(incident), "bold"), ": ", incident["title"]))
    for name, text in _lines(incident, url):
        table.add_row(name, cell(text))
    for name, step in _timeline(incident):
        table.add_row(name, cell(step))
    out.print(table)


def _state(incident: Answer) -> str:
    if incident["cancelled"]:
        return "false alarm"
    if incident["merged_into"]:
        return f"a part of {incident['merged_into']}"
    return "no longer reported; whether it recovered is not known" if incident["expired"] else str(incident["state"])


def _lines(incident: Answer, url: str) -> Iterator[tuple[str, str]]:
    yield "Incident", incident["id"]
    yield "Since", _since(incident)
    yield "Class", ": ".join(filter(None, (incident["category"], incident["classification"])))
    yield "Targets", ", ".join(incident["targets"])
    yield "At risk", _impact(incident)
    yield from _conditions(incident)
    yield from _what_to_do(incident, url)
    yield "Who has it", _owner(incident)
    yield "Notified", _told(incident)


def _since(incident: Answer) -> str:
    ended = f", over at {at(incident['resolved_at'])}" if incident["resolved_at"] else ""
    reopened = f", reopened at {at(incident['reopened_at'])}" if incident["reopened_at"] else ""
    return f"{at(incident['opened_at'])} ({age(incident['opened_at'])} ago){reopened}{ended}"


def _impact(incident: Answer) -> str:
    impact, loss = incident["impact"], incident["measured_loss"]
    if impact is None:
        return f"{NOT_KNOWN}: no revenue is mapped to its targets"
    low, high = (number(impact[end], "dollars") for end in ("low", "high"))
    lost = f"; lost by orders: {loss['text']}" if loss else ""
    return f"{_at_risk(impact['dollars_per_hour'])} (90% interval {low} to {high}): {impact['reason']}{lost}"


def _conditions(incident: Answer) -> Iterator[tuple[str, str]]:
    for one in incident["conditions"][:_CONDITIONS]:
        against = comparison(one["value"], one["threshold"], one["unit"])
        status = "" if one["status"] == Status.FIRING else f" ({one['status']})"
        yield "What", f"{one['target']}{status}: {one['summary']}{f'. {against}' if against else ''}"
    if (hidden := len(incident["conditions"]) - _CONDITIONS) > 0:
        yield "", f"and {hidden} more conditions"


def _what_to_do(incident: Answer, url: str) -> Iterator[tuple[str, str]]:
    runbooks = dict.fromkeys(one["runbook"] for one in incident["conditions"] if one["runbook"])
    for section in runbooks:
        yield "Runbook", section if section.startswith("http") else f"{url}/runbooks/{section}"
    for one in incident.get("actions", ()):
        waits = f"; aia actions approve '{one['id']}'" if one["stage"] == Stage.AWAITING else ""
        stage = f"{one['stage']} ({one['reason']})".replace("_", " ")
        yield "Action", f"{one['action']} on {one['target']}: {stage}, {one['summary']}{waits}"
    if incident["state"] == "open":
        yield "To take it", f"aia ack {incident['id']}"


def _owner(incident: Answer) -> str:
    if not incident["acknowledged_by"]:
        return "nobody"
    since = incident["taken_over_at"] or incident["acknowledged_at"]
    return f"{incident['acknowledged_by']}{f' since {at(since)}' if since else ''}"


def _told(incident: Answer) -> str:
    notified = incident["notified"]
    tiers = [f"{one['stakeholder']} (tier {one['tier'] + 1})" for one in notified["escalations"]]
    muted = f"muted: {notified['mute_reason']}; " if notified["mute_reason"] else ""
    channels = ", ".join(notified["channels"]) or "nobody so far"
    reached = f"; reached: {', '.join(tiers)}" if tiers else ""
    return f"{muted}{channels}{reached}"


def _timeline(incident: Answer) -> Iterator[tuple[str, str]]:
    steps = incident["timeline"]
    shown = steps if len(steps) <= _STEPS else [steps[0], *steps[1 - _STEPS :]]
    for step in shown:
        yield at(step["at"]), f"{step['change']} ({step['reason'].replace('_', ' ')}): {step['summary']}"
