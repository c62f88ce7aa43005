"""Routes of the function: `/slack`, `/pagerduty`, `/answer` and `/mlflow`, each only where the settings have its secret."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import flask

from core.errors import BusyError, ConflictError, UnavailableError
from core.settings import Settings
from functions.adapters import logs
from functions.command_intake.commands import Commands
from functions.command_intake.links import Links
from functions.command_intake.mlflow import Mlflow
from functions.command_intake.pagerduty import PagerDuty
from functions.command_intake.reply import Outcome, error
from functions.command_intake.slack import Slack
from functions.runtime.endpoint import measured
from functions.runtime.ports import Ports

NAME = "command_intake"
LARGEST = 1_000_000
"""Bytes of a body; a click of Slack has the whole message in it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """From where answers come; None for those that the settings do not have."""

    slack: Slack | None
    pagerduty: PagerDuty | None
    links: Links | None
    mlflow: Mlflow | None


def open_senders(settings: Settings, commands: Commands) -> Senders:
    """What the settings take answers from."""
    accounts, intake = settings.accounts, settings.command_intake
    registry = settings.registry and settings.registry.mlflow
    return Senders(
        slack=Slack(intake.slack.signing_secret, accounts, commands) if intake.slack else None,
        pagerduty=PagerDuty(intake.pagerduty.secrets, accounts, commands) if intake.pagerduty else None,
        links=Links(intake.links.secret, accounts, commands) if intake.links else None,
        mlflow=Mlflow(registry.webhook_secret, commands) if registry and registry.webhook_secret else None,
    )


def respond(request: flask.Request, *, ports: Ports, opened: Callable[[], Senders]) -> flask.Response:
    """Respond to a request; nothing is read of one that is not signed."""
    return measured(request, partial(_respond, request, opened), function=NAME, metrics=ports.metrics)


def _respond(request: flask.Request, opened: Callable[[], Senders]) -> Outcome:
    try:
        return _route(request, opened())
    except (BusyError, ConflictError) as fault:
        log.info("busy: %s", fault, extra=logs.fields(function=NAME))
        return "busy", error(429, "busy: another request does the same")
    except UnavailableError as fault:
        log.error("unavailable: %s", fault, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return "unavailable", error(503, "unavailable: try again")
    except Exception:
        log.exception("failed", extra=logs.fields(function=NAME))
        return "failed", error(500, "failed")


def _route(request: flask.Request, taken: Senders) -> Outcome:
    outcome, answer = _taken(request, taken)
    if outcome in ("refused", "parked"):
        log.warning("%s: %s", outcome, answer.get_data(as_text=True)[:200], extra=logs.fields(path=request.path[:80]))
    return outcome, answer


def _taken(request: flask.Request, taken: Senders) -> Outcome:
    links = taken.links
    senders: dict[tuple[str, str], Callable[[flask.Request, bytes], Outcome] | None] = {
        ("POST", "/slack"): taken.slack,
        ("POST", "/pagerduty"): taken.pagerduty,
        ("POST", "/mlflow"): taken.mlflow,
        ("POST", "/answer"): links.act if links else None,
        ("GET", "/answer"): links.show if links else None,
    }
    sender = senders.get((request.method, request.path))
    if sender is None:
        return "refused", error(404, f"path: nothing answers {request.method} here")
    body = request.stream.read(LARGEST + 1)  # also of a body without a length
    if len(body) > LARGEST:
        return "refused", error(413, f"body: must be at most {LARGEST} bytes")
    return sender(request, body)
