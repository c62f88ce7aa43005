"""The newest points in Prometheus' text format.

Three things keep PromQL's answers here equal to those of Cloud Monitoring, which knows more than a scrape shows:

- A value stands for five minutes after its point and is then no longer shown, as PromQL's look-back has it there.
- A gauge whose point is older than that when it is written, or before anybody read it, is shown for five minutes from its first
  scrape on, with the instant of its point: the first tick of a job that is due every quarter of an hour may be about an instant ten
  minutes ago, and a scrape that came too late for Prometheus must not be the only one that had it.
- A counter that comes into sight shows, from the first scrape on and for a little more than a scrape interval, what it stood
  at before: 0 when it is new. Cloud Monitoring knows that from the start time of its points; without it `increase()` in Prometheus would miss
  everything that a new instance counted before its first scrape.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from core.metrics import CATALOGUE
from infra.local.monitoring.series import Series

BEFORE = timedelta(seconds=11)
"""How long after its first scrape a counter shows what it stood at before: longer than a scrape interval of 10 s. Prometheus may start
later than what it scrapes."""
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(series: Iterable[Series], now: datetime) -> str:
    """The exposition of the series that are in sight at `now`."""
    shown = sorted(filter(lambda one: one.is_in_sight(now), series), key=lambda one: (one.name, one.is_counter))
    return "".join(
        _head(name, counter=counter) + "".join(_line(line, now) for line in group)
        for (name, counter), group in groupby(shown, key=lambda one: (one.name, one.is_counter))
    )


def _head(name: str, *, counter: bool) -> str:
    metric = CATALOGUE.get(name)
    text = metric.help if metric else "Not in the catalogue."
    return f"# HELP {name} {text}\n# TYPE {name} {'counter' if counter else 'gauge'}\n"


def _line(series: Series, now: datetime) -> str:
    labels = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in sorted(series.labels.items()))
    before = series.is_counter and series.read_for(now) < BEFORE
    instant = f" {round(series.last.end.timestamp() * 1000)}" if series.is_late else ""
    return f"{series.name}{{{labels}}} {series.before if before else series.value!r}{instant}\n"
