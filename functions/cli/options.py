"""Options that several commands have, and the exit statuses of all that call the API."""

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import click

from functions.cli.api import LOCAL, RefusedError, local

FOUND_BAD: Final = 1
"""Exit status with --fail where something is bad; 2 is what was refused, 3 what is not known (`functions.cli.api`)."""
NOT_KNOWN_STATUS: Final = 3
_REFUSED: Final = "2 where the request is refused; 3 where something is not known, or the API does not answer."
STATUSES: Final = f"Exit status: 0; {_REFUSED}"
FAIL_STATUSES: Final = f"Exit status: 0; 1 with --fail where something is bad; {_REFUSED}"
"""Of a command with --fail."""

_STEERING: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls and directions that JSON need not escape."""

url = click.option(
    "--url",
    envvar="AIA_API_URL",
    default=local,
    show_default=LOCAL,
    callback=lambda _context, _option, given: given.rstrip("/"),
    help="Address of the API.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print what the API answers as JSON.")
note = click.option("--why", "--note", "note", default="", help="The reason, for the audit trail.")
why = click.option("--why", "--note", "note", required=True, help="The reason, for the audit trail.")


def print_json(found: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print what the API answers; what could move the cursor or turn the text around is escaped."""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    click.echo(_STEERING.sub(lambda one: f"\\u{ord(one[0]):04x}", text))


def confirm(question: str, done: str) -> None:
    """Ask before something is done, which the participle names.

    Raises:
        RefusedError: the answer is no, or nobody answers.
    """
    try:
        answer = click.confirm(question)
    except click.Abort as error:
        raise RefusedError(f"--yes: must be given where nobody answers; nothing was {done}") from error
    if not answer:
        raise RefusedError(f"nothing was {done}")


def length(option: str, text: str) -> timedelta:
    """A length of time.

    Raises:
        RefusedError: it is none; the message names the option.
    """
    from core.settings.values import duration  # noqa: PLC0415 - help and other commands need no settings

    found = duration(text)
    if found is None:
        raise RefusedError(f"{option}: must be a time, as in 30m, 2h or 3d, got {text!r}")
    return found


def status(verdicts: Iterable[bool | None]) -> int:
    """The exit status with --fail: of a bad one, else of one that is not known, else 0.

    >>> status([True, None, False]), status([True, None]), status([True])
    (1, 3, 0)
    """
    found = set(verdicts)
    return FOUND_BAD if False in found else NOT_KNOWN_STATUS if None in found else 0
