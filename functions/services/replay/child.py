"""Decides in a process of its own: what it takes of the processor and of memory is given back, and it can be stopped.

    python -m functions.services.replay.child

reads JSON lines, what is asked and then the rows that are kept, and writes the answer as JSON.
"""

import os
import sys
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import msgspec

from core.errors import AiaError
from functions.adapters.config import parse_yaml
from functions.services.incidents.kept_decisions import Row, inputs
from functions.services.replay.run import HOURS, Outcome, Proposal, try_out, working
from functions.services.replay.settings import read
from functions.services.replay.summary import result

MOST_VALUES = 20_000
"""Of settings, with what their aliases stand for: the API reads them while others wait for its processor."""
MOST_LISTED = 1000
"""Entries of each list of an answer; the numbers are of all."""
_NICE = 10
"""Who reads is answered first."""
_row = msgspec.json.Decoder(Row)


class Asked(msgspec.Struct, kw_only=True):
    """What is asked.

    Attributes:
        settings: to try, as YAML or JSON.
        hours: when people are at work, as in `mon-fri 08:00-18:00`.
        pages: channels that page people, beside those of the settings.
        since: the start of what is compared.
        warm_up: what was decided so long before is replayed and not compared.
    """

    settings: str
    hours: str
    pages: list[str]
    since: datetime
    warm_up: timedelta


class Answer(msgspec.Struct, kw_only=True):
    """What is answered.

    Attributes:
        fault: why nothing was compared; empty where it was.
        comparison: as of `aia replay`, with `left_out`: how many entries of the lists are not in it. None where nothing is kept.
    """

    fault: str = ""
    comparison: dict[str, Any] | None = None


def proposal(asked: Asked) -> Proposal:
    """What is to be tried; raises `SettingsError` where the settings are wrong, and `ValueError` where the hours are."""
    settings, pagers = read(parse_yaml(asked.settings.encode(), "settings", most=MOST_VALUES))
    hours = working(asked.hours)
    if hours is None:
        raise ValueError(f"hours: must be as in {HOURS}, got {asked.hours!r}")
    return Proposal(
        name="the proposed settings",
        settings=settings,
        pagers=pagers.union(asked.pages),
        hours=hours,
        since=asked.since,
        warm_up=asked.warm_up,
    )


def answer(given: BinaryIO) -> Answer:
    """The answer to what is asked."""
    asked = msgspec.json.decode(given.readline(), type=Asked)
    try:
        wanted = proposal(asked)
        outcome = try_out(inputs([_row.decode(line) for line in given]), wanted)
    except AiaError as error:
        return Answer(fault=str(error))
    return Answer(comparison=_shortened(outcome, wanted) if outcome else None)


def _shortened(outcome: Outcome, wanted: Proposal) -> dict[str, Any]:
    whole = result(outcome.header, outcome.comparison, wanted.settings.people)
    actions = whole["actions"]
    lists = ((whole, "differences"), (whole, "merged"), (actions, "added"), (actions, "removed"))
    left_out = sum(max(0, len(holder[name]) - MOST_LISTED) for holder, name in lists)
    for holder, name in lists:
        holder[name] = holder[name][:MOST_LISTED]
    return whole | {"left_out": left_out}


def main() -> int:
    """Answer."""
    os.nice(_NICE)
    sys.stdout.buffer.write(msgspec.json.encode(answer(sys.stdin.buffer)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
