"""The newest points in Prometheus' text format.

Two things keep PromQL's answers here equal to those of Cloud Monitoring, which knows more than a scrape shows:

- A value stands for five minutes after its point and is then no longer shown, as PromQL's look-back has it there.
- A counter that comes into sight first shows, for a little more than a scrape interval, what it stood at before: 0 when it
  is new. Cloud Monitoring knows that from the start time of its points; without it `increase()` in Prometheus would miss
  everything that a new instance counted before its first scrape.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from core.metrics import CATALOGUE
from infra.local.monitoring.series import STALE, Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BEFORE = timedelta(seconds=11)
"""How long a counter shows what it stood at before; longer than the scrape interval of 10 s."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(series: Iterable[Series], now: datetime) -> str:
    """The exposition of the series that are in sight at `now`."""
    shown = sorted((one for one in series if now - one.last.end <= STALE), key=lambda one: (one.name, one.is_counter))
    return "".join(
        _head(name, counter=counter) + "".join(_line(one, now) for one in group)
        for (name, counter), group in groupby(shown, key=lambda one: (one.name, one.is_counter))
    )


def _head(name: str, *, counter: bool) -> str:
    metric = CATALOGUE.get(name)
    text = metric.help if metric else "Not in the catalogue."
    return f"# HELP {name} {text}\n# TYPE {name} {'counter' if counter else 'gauge'}\n"


def _line(series: Series, now: datetime) -> str:
    labels = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in sorted(series.labels.items()))
    before = series.is_counter and now - series.shown_from < BEFORE
    return f"{series.name}{{{labels}}} {series.before if before else series.value!r}\n"
