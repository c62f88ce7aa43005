"""Budgets of Google Cloud Billing, from the Pub/Sub topic of a budget.

    {"budgetDisplayName": "...", "costAmount": 100.01, "budgetAmount": 100.0, "alertThresholdExceeded": 1.0, ...}

A budget is reported several times a day, with the threshold that it exceeds, if it exceeds one: without, all is well.
"""

from collections.abc import Iterable
from datetime import datetime

from core.events import Severity, Status
from core.text import percent
from functions.alert_intake import targets
from functions.alert_intake.alert import UNENDED_FOR, Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, first, number, text

_NEARLY, _WHOLE = 0.9, 1.0


def recognise(body: Json) -> bool:
    """Whether it is an object with the name of a budget and a cost."""
    return isinstance(body, dict) and "budgetDisplayName" in body and "costAmount" in body


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda budget: _alert(budget, now))


FORMAT = Format("billing-budget", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    """The time is that of the message: the budget of a month has one condition, whatever threshold it exceeds by now."""
    name, cost, amount = first(body, "budgetDisplayName"), number(body["costAmount"]), number(body.get("budgetAmount"))
    if not name or cost is None:
        raise UnreadableError("budgetDisplayName, costAmount: must be a name and a number")
    exceeded, forecast = number(body.get("alertThresholdExceeded")), number(body.get("forecastThresholdExceeded"))
    over = exceeded if exceeded is not None else forecast
    currency = text(body.get("currencyCode"))
    return Alert(
        source="cloud-billing",
        name="budget_exceeded",
        target=targets.make("budget", name),
        status=Status.RESOLVED if over is None else Status.FIRING,
        severity=_severity(exceeded),
        now=now,
        holds_until=now + UNENDED_FOR,
        summary=(f"Cost of {cost:,.2f} {currency}, {_share(exceeded, forecast)} of the budget of {amount or 0:,.2f}",),
        value=cost,
        threshold=amount if amount is None or over is None else amount * over,
        unit=currency,
        evidence={"since": first(body, "costIntervalStart"), "budget": first(body, "budgetAmount")},
    )


def _severity(exceeded: float | None) -> Severity:
    if exceeded is None or _NEARLY <= exceeded < _WHOLE:
        return Severity.WARNING
    return Severity.ERROR if exceeded >= _WHOLE else Severity.INFO


def _share(exceeded: float | None, forecast: float | None) -> str:
    if exceeded is None:
        return "within all thresholds" if forecast is None else f"forecast to exceed {percent(forecast)}"
    return f"more than {percent(exceeded)}"
