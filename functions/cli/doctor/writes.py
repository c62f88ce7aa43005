"""What only a write shows: whether Google takes a policy of each lookback, and whether each channel delivers."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from core.promql import INTERVALS, evaluation_interval
from functions.cli.api import RefusedError
from functions.cli.channels import deliver
from functions.cli.client import Client
from functions.cli.doctor.findings import Finding, Verdict
from functions.cli.doctor.google import AskError, Google, Json

_REFUSED: Final = 400


def lookbacks(google: Google) -> Iterator[Finding]:
    """Create a disabled policy of each class of lookbacks, as Terraform would, and delete it."""
    for limit, _ in INTERVALS:
        back = limit - timedelta(hours=1)
        expr = f"sum(increase(aia_function_requests_total[{int(back.total_seconds())}s])) < 0"
        subject = f"lookback {back.total_seconds() / 3600:g} h"
        try:
            path = f"v3/projects/{google.project}/alertPolicies"
            name = str(google.call("POST", "monitoring", path, _policy(subject, expr)).get("name", ""))
        except AskError as error:
            verdict = Verdict.BAD if error.status == _REFUSED else Verdict.NOT_KNOWN
            yield Finding(check="policy", subject=subject, verdict=verdict, detail=str(error))
            continue
        yield _deleted(google, subject, name)


def channels(url: str, patience: float) -> Iterator[Finding]:
    """Send one test message through each channel."""
    try:
        names = [one["name"] for one in Client(url).channels()]
    except RefusedError as error:
        yield Finding(check="channel", subject="all", verdict=Verdict.NOT_KNOWN, detail=error.message)
        return
    for name in names:
        try:
            found = deliver(url, name, patience)
        except RefusedError as error:
            yield Finding(check="channel", subject=name, verdict=Verdict.NOT_KNOWN, detail=error.message)
            continue
        good = found["outcome"] == "delivered"
        detail = f"{found['outcome']} {found['detail']}".strip()
        yield Finding(check="channel", subject=name, verdict=Verdict.GOOD if good else Verdict.BAD, detail=detail)


def _policy(subject: str, expr: str) -> Json:
    every = evaluation_interval(expr, timedelta(seconds=30))
    condition = {
        "query": expr,
        "duration": "0s",
        "evaluationInterval": f"{int(every.total_seconds())}s",
        "disableMetricValidation": True,
    }
    return {
        "displayName": f"aia doctor: {subject}, may be deleted",
        "combiner": "OR",
        "enabled": False,
        "conditions": [{"displayName": subject, "conditionPrometheusQueryLanguage": condition}],
    }


def _deleted(google: Google, subject: str, name: str) -> Finding:
    try:
        google.call("DELETE", "monitoring", f"v3/{name}")
    except AskError as error:
        detail = f"created, but not deleted, delete {name or 'it'} in the console: {error}"
        return Finding(check="policy", subject=subject, verdict=Verdict.BAD, detail=detail)
    return Finding(check="policy", subject=subject, verdict=Verdict.GOOD, detail="taken, and deleted")
