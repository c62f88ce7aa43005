"""The catalogue of signals: what each area of a platform is watched by, who owns it, and what of it is seen now.

Area and owner are written by hand (`infra/signals.yaml`); unit and help come from the catalogue of metrics, rules from `infra/alerts`,
panels from `dashboards/`, and what is seen from Prometheus or Cloud Monitoring.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from core.metrics import CATALOGUE
from core.promql import metrics

FRESH = timedelta(hours=1)
"""A sample that is older does not count as seen now; some metrics are written once in a quarter of an hour."""
HISTORY = "history"
"""The job of samples that are computed of the past when a system starts with a history, as `aia local` does: they do not count as seen."""
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
    """Only Google Cloud writes its metrics, and there are none."""
    NOT_SET_UP = "not set up"
    """Nothing writes its metrics unless somebody sets it up, on whichever machine: a probe, a model, a limit, an application that sends
    telemetry. Its catalogue says how."""
    NOT_SEEN = "not seen"
    AWAITED = "not seen yet"
    """It is not seen, and its first measurement since the start is not due."""
    NOT_KNOWN = "not known"
    """Nobody answers what there is, of one of its signals at least, and of the others nothing is seen."""


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

    def where(self, label: str, pattern: str) -> "Signal":
        """Those of its series whose label matches a pattern.

        >>> Signal(selector='aia_probe_up{probe="api"}').where("job", "a|b").selector
        'aia_probe_up{job=~"a|b",probe="api"}'
        """
        name, _, others = self.selector.partition("{")
        return replace(self, selector=f'{name}{{{label}=~"{pattern}"{f",{others}" if others else "}"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """How an area is set up that is not by itself.

    Attributes:
        how: what to do, in a sentence.
        settings: what to add to the settings, as YAML; empty where that is not needed.
        guide: the file in `docs/`, and its section.
        keys: the settings that are not empty where it is set up, as in `capacity.resources`; empty where no settings say so.
    """

    how: str
    guide: str
    settings: str = ""
    keys: str = ""


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
        replays: patterns by label: only series with such a value are; all of those whose metric has none of the labels.
        job: the job that measures it, by its name in the settings; empty where it is none.
        set_up: how it is set up, where it is not by itself.
        is_set_up: whether the settings set it up.
    """

    name: str
    owner: str
    signals: tuple[Signal, ...]
    probes: tuple[str, ...] = ()
    contract: str = ""
    replayed: bool = False
    replays: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    set_up: SetUp | None = None
    is_set_up: bool = False

    def replay_of(self, signal: Signal) -> Signal:
        """Those series of a signal that are a replay on one machine, where there are any."""
        metric = CATALOGUE.get(signal.metric)
        labels = [label for label in self.replays if metric and label in metric.labels]
        return signal.where(labels[0], self.replays[labels[0]]) if labels else signal


OF_PROBES = ("aia_probe_up", "aia_probe_latency_seconds")
"""The metrics of every probe."""


def with_probes(area: Area, kinds: Mapping[str, str]) -> Area:
    """The area with the metrics of its probes as signals.

    Args:
        area: as its file has it.
        kinds: the kind of each probe in the settings, by its name. Where none is of a kind of the area, its signals select no series;
            else the area is set up.
    """
    if not area.probes:
        return area
    names = "|".join(sorted(name for name, kind in kinds.items() if kind in area.probes))
    chosen = f'=~"{names}"' if names else '="none"'
    signals = (*(Signal(selector=f"{one}{{probe{chosen}}}") for one in OF_PROBES), *area.signals)
    return replace(area, signals=signals, is_set_up=area.is_set_up or bool(names))


def is_expected(metric: str, areas: Iterable[Area]) -> bool:
    """Whether something here should write a metric: one of this system, of which an area is set up.

    What only Google, a service or an exporter writes is there where such a resource is, which no settings say.
    """
    if Signal(selector=metric).source is not Source.FUNCTIONS:
        return False
    own = [area for area in areas if any(metric in (one.metric, one.family) for one in area.signals)]
    return not own or any(area.set_up is None or area.is_set_up for area in own)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCoverage:
    """A signal, with what uses it and what is seen of it.

    Attributes:
        signal: the signal.
        rules: the alert rules that look at its metric, by name.
        panels: the tiles of dashboards that show its metric, as in `technical: Probes`.
        series: how many series had a sample within `FRESH`; None where that is not known.
        replayed: how many of them are of a replay.
        written_by: the functions or jobs that wrote them.
    """

    signal: Signal
    rules: tuple[str, ...]
    panels: tuple[str, ...]
    series: int | None
    replayed: int
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
        """The number of its signals that are known to have a fresh sample of a program; None where that is not known of any."""
        return None if self.sight is Sight.NOT_KNOWN else sum((one.series or 0) > one.replayed for one in self.signals)

    @property
    def replayed(self) -> int:
        """The number of its signals whose fresh samples are all of a replay."""
        return sum(0 < (one.series or 0) <= one.replayed for one in self.signals)


Seen = Mapping[str, Mapping[str, int]]
"""Of each selector that was answered: the number of series with a fresh sample, by the job that wrote them."""


def queries(areas: Iterable[Area], *, replay: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """PromQL queries of what there is: the selectors that one asks about, and the query, whose results name them by number.

    >>> area = Area(name="DNS", owner="ops", signals=(Signal(selector="aia_probe_up"),))
    >>> next(queries([area], replay=False))
    (('aia_probe_up',), 'label_replace(count by (job) (last_over_time(aia_probe_up[3600s])), "signal", "0", "", "")')
    """
    selectors = tuple(dict.fromkeys(one.selector for area in areas for one in _asked(area, replay=replay)))
    for first in range(0, len(selectors), _IN_A_QUERY):
        part = selectors[first : first + _IN_A_QUERY]
        yield part, " or ".join(_query(number, selector) for number, selector in enumerate(part))


def _asked(area: Area, *, replay: bool) -> Iterator[Signal]:
    yield from area.signals
    if replay and area.replayed:
        yield from map(area.replay_of, area.signals)


def _query(number: int, selector: str) -> str:
    counted = f"count by (job) (last_over_time({selector}[{int(FRESH.total_seconds())}s]))"
    return f'label_replace({counted}, "signal", "{number}", "", "")'


def coverage(
    areas: Iterable[Area],
    *,
    rules: Mapping[str, Sequence[str]],
    panels: Mapping[str, Sequence[str]],
    seen: Seen,
    replay: bool,
) -> tuple[AreaCoverage, ...]:
    """What is watched, alerted, drawn and seen, area by area.

    Args:
        areas: the catalogue.
        rules: the alert rules that look at a metric, by its name, or that of one of its series (`_bucket`, `_count`).
        panels: the tiles that show a metric, likewise.
        seen: what has a fresh sample. Of a selector that is not in it nothing is known.
        replay: whether this system replays data, as `aia local` does.
    """
    return tuple(_area(area, rules, panels, seen, replay=replay) for area in areas)


def _area(
    area: Area,
    rules: Mapping[str, Sequence[str]],
    panels: Mapping[str, Sequence[str]],
    seen: Seen,
    *,
    replay: bool,
) -> AreaCoverage:
    signals = tuple(_signal(area, one, rules, panels, seen, replay=replay) for one in area.signals)
    return AreaCoverage(area=area, signals=signals, sight=_sight(area, signals))


def _signal(
    area: Area,
    signal: Signal,
    rules: Mapping[str, Sequence[str]],
    panels: Mapping[str, Sequence[str]],
    seen: Seen,
    *,
    replay: bool,
) -> SignalCoverage:
    known = seen.get(signal.selector)
    replays = seen.get(area.replay_of(signal).selector) if replay and area.replayed else {}
    if known is None or replays is None:  # without either it is not known whether it is a program's
        known, replays = None, {}
    jobs = known or {}
    past = jobs.get(HISTORY, 0)
    return SignalCoverage(
        signal=signal,
        rules=tuple(rules.get(signal.family, ())),
        panels=tuple(panels.get(signal.family, ())),
        series=None if known is None else sum(jobs.values()),
        replayed=past + sum(count for job, count in replays.items() if job != HISTORY) if replay else 0,
        written_by=tuple(sorted(filter(None, jobs))),
    )


def _sight(area: Area, signals: Sequence[SignalCoverage]) -> Sight:
    if any((one.series or 0) > one.replayed for one in signals):
        return Sight.SEEN
    if any(one.series is None for one in signals):
        return Sight.NOT_KNOWN
    if any(one.series for one in signals):
        return Sight.REPLAYED
    if area.set_up is not None and not area.is_set_up:
        return Sight.NOT_SET_UP
    return Sight.NEEDS_GCP if area.contract and area.set_up is None else Sight.NOT_SEEN


def _each_once(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
