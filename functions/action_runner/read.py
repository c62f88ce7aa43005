"""What a message of one of the three topics carries: a request for an action, a person's command, or a tick."""

from core.actions.guards import EVERY
from core.errors import PoisonError
from core.events import ActionRequest, Command, Tick, Verb
from core.settings.response import ActionName
from functions.adapters import events
from functions.runtime.push import Message
from functions.runtime.ticks import read_tick

LONGEST_ID = 700
"""Bytes of a request's id: it is a key of the store, and with a step of a few bytes one of the ledger."""
_KINDS = (ActionRequest.TYPE, Command.TYPE, Tick.TYPE)
_SUBJECTS = (*ActionName, EVERY)


def read(message: Message, cron: str) -> ActionRequest | Command | Tick:
    """The event that a message carries.

    Args:
        message: from any of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it carries none of the three, or one whose names cannot stand in a key.
    """
    kind = events.type_of(message.data)
    if kind == Tick.TYPE:
        return read_tick(message, cron)
    if kind == Command.TYPE:
        return _checked_command(events.decode(message.data, Command))
    if kind == ActionRequest.TYPE:
        return _checked_request(events.decode(message.data, ActionRequest))
    raise PoisonError(f"type: must be one of {', '.join(_KINDS)}, got {kind!r:.80}")


def _checked_request(request: ActionRequest) -> ActionRequest:
    for name in ("incident_id", "action", "target"):
        _check(name, getattr(request, name))
    _check("id", request.id)
    return request


def _checked_command(command: Command) -> Command:
    if command.verb in (Verb.APPROVE, Verb.REJECT):
        _check("subject", command.subject)
    if command.verb in (Verb.HALT, Verb.RESUME) and command.subject not in _SUBJECTS:
        raise PoisonError(f"subject: must be one of {', '.join(_SUBJECTS)}, got {command.subject!r:.80}")
    return command


def _check(name: str, text: str) -> None:
    if not text.strip() or not text.isprintable() or text.startswith("__") or len(text.encode()) > LONGEST_ID:
        allowed = f"1 to {LONGEST_ID} bytes of printable text, not starting with '__'"
        raise PoisonError(f"{name}: must be {allowed}, got {text[:80]!r}")
