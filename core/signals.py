"""The catalogue of signals: what each area of a platform is watched by, who owns it, and what of it is seen now.

Area and owner are written by hand (`infra/signals.yaml`); unit and help come from the catalogue of metrics, rules from `infra/alerts`,
panels from `dashboards/`, and what is seen from Prometheus or Cloud Monitoring.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from core.metrics import CATALOGUE
from core.promql import metrics

FRESH = timedelta(hours=1)
"""A sample that is older does not count as seen now; some metrics are written once in a quarter of an hour."""
_IN_A_QUERY = 20


class Source(StrEnum):
    """Who writes a metric."""

    FUNCTIONS = "functions"
    """This system: its catalogue has the metric."""
    GOOGLE = "Google Cloud"
    """Cloud Monitoring's own metrics; nothing writes them on one machine."""
    SERVICES = "services"
    """Services and exporters, by OpenTelemetry's or their own names."""


class Sight(StrEnum):
    """What is seen of an area."""

    SEEN = "seen here"
    """A program wrote a sample within `FRESH`."""
    REPLAYED = "replayed"
    """There are samples, of data that are a replay on this machine: they do not count as seen."""
    NEEDS_GCP = "needs GCP"
    """Google Cloud writes some of its metrics, and there are none."""
    NOT_SET_UP = "not set up"
    """Nothing writes its metrics unless somebody sets it up: a probe, a model, a limit, an application that sends telemetry."""
    NOT_SEEN = "not seen"
    NOT_KNOWN = "not known"
    """Nobody answers what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing that is watched.

    Attributes:
        selector: of its series, as PromQL spells it: `aia_probe_up{probe=~"dns-.+"}`.
    """

    selector: str

    @property
    def metric(self) -> str:
        """The name of its metric."""
        return metrics(self.selector)[0]

    @property
    def family(self) -> str:
        """The name of the histogram whose count it is, or of its metric."""
        return self.metric if self.metric in CATALOGUE else self.metric.removesuffix("_count")

    @property
    def source(self) -> Source:
        """Who writes it."""
        if self.metric in CATALOGUE:
            return Source.FUNCTIONS
        return Source.GOOGLE if ":" in self.metric else Source.SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A part of a platform.

    Attributes:
        name: for people.
        owner: the team that looks after it.
        signals: what it is watched by.
        probes: the kinds of probes that watch it as well.
        contract: the test of what is not on one machine by itself, against its documentation or a real server; empty where all of it is.
        replayed: whether its data are a replay on one machine.
    """

    name: str
    owner: str
    signals: tuple[Signal, ...]
    probes: tuple[str, ...] = ()
    contract: str = ""
    replayed: bool = False


OF_PROBES = ("aia_probe_up", "aia_probe_latency_seconds")
"""The metrics of every probe."""


def with_probes(area: Area, kinds: Mapping[str, str]) -> Area:
    """The area with the metrics of its probes as signals.

    Args:
        area: as its file has it.
        kinds: the kind of each probe in the settings, by its name. Where none is of a kind of the area, its signals select no series.
    """
    if not area.probes:
        return area
    names = "|".join(sorted(name for name, kind in kinds.items() if kind in area.probes))
    chosen = f'=~"{names}"' if names else '="none"'
    return replace(area, signals=(*(Signal(selector=f"{one}{{probe{chosen}}}") for one in OF_PROBES), *area.signals))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCoverage:
    """A signal, with what uses it and what is seen of it.

    Attributes:
        signal: the signal.
        rules: the alert rules that look at its metric, by name.
        panels: the tiles of dashboards that show its metric, as in `technical: Probes`.
        series: how many series had a sample within `FRESH`; None where that is not known.
        written_by: the functions or jobs that wrote them.
    """

    signal: Signal
    rules: tuple[str, ...]
    panels: tuple[str, ...]
    series: int | None
    written_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCoverage:
    """An area, with what is seen of it."""

    area: Area
    signals: tuple[SignalCoverage, ...]
    sight: Sight

    @property
    def rules(self) -> tuple[str, ...]:
        """The alert rules of its signals, each once."""
        return _each_once(one.rules for one in self.signals)

    @property
    def panels(self) -> tuple[str, ...]:
        """The tiles of its signals, each once."""
        return _each_once(one.panels for one in self.signals)

    @property
    def seen(self) -> int | None:
        """The number of its signals with a fresh sample; None where that is not known."""
        return None if self.sight is Sight.NOT_KNOWN else sum(bool(one.series) for one in self.signals)


Seen = Mapping[str, Mapping[str, int]]
"""Of each selector with a fresh sample: the number of series by the job that wrote them."""


def queries(areas: Iterable[Area]) -> Iterator[tuple[tuple[str, ...], str]]:
    """PromQL queries of what there is: the selectors that one asks about, and the query, whose results name them by number.

    >>> area = Area(name="DNS", owner="ops", signals=(Signal(selector="aia_probe_up"),))
    >>> next(queries([area]))
    (('aia_probe_up',), 'label_replace(count by (job) (last_over_time(aia_probe_up[3600s])), "signal", "0", "", "")')
    """
    selectors = tuple(dict.fromkeys(signal.selector for area in areas for signal in area.signals))
    for first in range(0, len(selectors), _IN_A_QUERY):
        part = selectors[first : first + _IN_A_QUERY]
        yield part, " or ".join(_query(number, selector) for number, selector in enumerate(part))


def _query(number: int, selector: str) -> str:
    counted = f"count by (job) (last_over_time({selector}[{int(FRESH.total_seconds())}s]))"
    return f'label_replace({counted}, "signal", "{number}", "", "")'


def coverage(
    areas: Iterable[Area],
    *,
    rules: Mapping[str, Sequence[str]],
    panels: Mapping[str, Sequence[str]],
    seen: Seen | None,
    replay: bool,
) -> tuple[AreaCoverage, ...]:
    """What is watched, alerted, drawn and seen, area by area.

    Args:
        areas: the catalogue.
        rules: the alert rules that look at a metric, by its name, or that of one of its series (`_bucket`, `_count`).
        panels: the tiles that show a metric, likewise.
        seen: what has a fresh sample; None where nobody answers.
        replay: whether this system replays data, as `aia local` does.
    """
    return tuple(_area(area, rules, panels, seen, replay=replay) for area in areas)


def _area(
    area: Area,
    rules: Mapping[str, Sequence[str]],
    panels: Mapping[str, Sequence[str]],
    seen: Seen | None,
    *,
    replay: bool,
) -> AreaCoverage:
    signals = tuple(
        SignalCoverage(
            signal=signal,
            rules=tuple(rules.get(signal.family, ())),
            panels=tuple(panels.get(signal.family, ())),
            series=None if seen is None else sum(seen.get(signal.selector, {}).values()),
            written_by=() if seen is None else tuple(sorted(filter(None, seen.get(signal.selector, {})))),
        )
        for signal in area.signals
    )
    return AreaCoverage(area=area, signals=signals, sight=_sight(area, seen, replay=replay))


def _sight(area: Area, seen: Seen | None, *, replay: bool) -> Sight:
    if seen is None:
        return Sight.NOT_KNOWN
    if any(signal.selector in seen for signal in area.signals):
        return Sight.REPLAYED if replay and area.replayed else Sight.SEEN
    if not area.contract:
        return Sight.NOT_SEEN
    return Sight.NEEDS_GCP if any(one.source is Source.GOOGLE for one in area.signals) else Sight.NOT_SET_UP


def _each_once(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
