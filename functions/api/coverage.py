"""What of a platform is watched, alerted, drawn and seen now, area by area."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from core.errors import QueryError, UnavailableError
from core.metrics import CATALOGUE
from core.promql import metrics
from core.settings import Settings
from core.signals import FRESH, Area, AreaCoverage, Seen, Sight, SignalCoverage, coverage, queries, with_probes
from functions.adapters.ports import Clock, Data
from functions.adapters.prometheus import Prometheus, Series
from functions.api.alerts import FOLDER
from functions.api.cache import Cache
from functions.api.deployment import is_local
from functions.api.freshness import Start
from functions.api.layout import Dashboard, queried_data_sets
from functions.services import signals
from functions.services.alert_rules import entries

log = logging.getLogger(__name__)
FILE = Path(__file__).resolve().parents[2] / signals.FILE
"""Of this archive, or the sources."""
_FRESH_SECONDS = 30.0
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_SUFFIXES = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Answers what is covered.

    Attributes:
        dashboards: the dashboards by name.
        prometheus: says what there is.
        settings: say what is set up.
        clock: now.
        start: of this instance.
    """

    dashboards: Mapping[str, Dashboard]
    prometheus: Prometheus
    settings: Settings
    clock: Clock
    start: Start
    _cache: Cache = field(default_factory=Cache)

    def all(self) -> Data:
        """Every area with its signals; what Prometheus does not answer, or refuses, is not known, and the rest is."""
        areas = [*areas_of(self.settings)]
        covered = coverage(
            areas,
            rules=_by_metric((rule["alert"], rule["expr"]) for _, rule in entries(FOLDER)),
            panels=_by_metric(self._panels()),
            seen=self._cache(("seen",), lambda: self._seen(areas), seconds=_FRESH_SECONDS),
            replay=is_local(),
        )
        return {"at": self.clock(), "areas": [self._awaited(one) for one in covered]}

    def _awaited(self, covered: AreaCoverage) -> Data:
        """An area; one that is not seen is awaited until its job has run since the start."""
        schedule = self.settings.jobs.get(covered.area.job)
        if covered.sight is not Sight.NOT_SEEN or schedule is None:
            return _shown(covered) | {"due_at": None}
        standing = self.start.standing(None, schedule, longest=FRESH)
        if not standing["awaited"]:
            return _shown(covered) | {"due_at": None}
        return _shown(replace(covered, sight=Sight.AWAITED)) | {"due_at": standing["due_at"]}

    def _panels(self) -> Iterator[tuple[str, str]]:
        for name, dashboard in self.dashboards.items():
            for tile in dashboard.mosaic_layout.tiles:
                for data_set in queried_data_sets(tile.widget):
                    yield f"{name}: {tile.widget.title}", data_set.time_series_query.prometheus_query

    def _seen(self, areas: Iterable[Area]) -> Seen:
        """What each query says that is answered; after one that is not, none is asked, since each would be waited for."""
        found: dict[str, dict[str, int]] = {}
        for selectors, query in queries(areas, replay=is_local()):
            try:
                series = self.prometheus.instant(query, at=int(self.clock().timestamp()))
                found |= _counted(selectors, series)
            except (QueryError, LookupError, ValueError) as error:
                log.warning("what is seen of %d signals is not known: %s", len(selectors), error)
            except UnavailableError as error:
                log.warning("what is seen is not known: %s", error)
                break
        return found


def areas_of(settings: Settings) -> Iterator[Area]:
    """The areas of the catalogue, with the probes of the settings and whether the settings set them up."""
    kinds = {probe.name: probe.kind for probe in settings.probes}
    for area in signals.areas(FILE):
        keys = area.set_up.keys if area.set_up else ""
        yield with_probes(replace(area, is_set_up=bool(keys) and is_given(settings, keys)), kinds)


def _counted(selectors: Sequence[str], found: Iterable[Series]) -> dict[str, dict[str, int]]:
    """The number of series by job of each selector, in the answer to a query of `queries`.

    Raises:
        LookupError: it is not that of the query; the same for ValueError.
    """
    counted: dict[str, dict[str, int]] = {selector: {} for selector in selectors}
    for series in found:
        counted[selectors[int(series.labels["signal"])]][series.labels.get("job", "")] = int(series.values[0] or 0)
    return counted


def is_given(value: object, keys: str) -> bool:
    """Whether there is anything under some keys of the settings, as in `capacity.resources`; where there are several, of any of them."""
    if isinstance(value, tuple):
        return any(is_given(one, keys) for one in value)
    first, _, others = keys.partition(".")
    return is_given(getattr(value, first, None), others) if first else bool(value)


def _by_metric(named: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Names of what asks a query, by the metrics that the query names; those of a histogram's series are the histogram's."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name, query in named:
        for metric in metrics(_VARIABLE.sub("variable", query)):
            for one in {metric, *(metric.removesuffix(suffix) for suffix in _SUFFIXES)}:
                found[one][name] = None
    return {metric: tuple(names) for metric, names in found.items()}


def _shown(covered: AreaCoverage) -> Data:
    return {
        "name": covered.area.name,
        "owner": covered.area.owner,
        "sight": covered.sight,
        "contract": covered.area.contract,
        "set_up": asdict(covered.area.set_up) if covered.area.set_up else None,
        "seen": covered.seen,
        "replayed": covered.replayed,
        "rules": covered.rules,
        "panels": covered.panels,
        "signals": [_signal(one) for one in covered.signals],
    }


def _signal(covered: SignalCoverage) -> Data:
    metric = CATALOGUE.get(covered.signal.metric)
    return {
        "selector": covered.signal.selector,
        "metric": covered.signal.metric,
        "unit": metric.unit if metric else "",
        "help": metric.help if metric else "",
        "source": covered.signal.source,
        "rules": covered.rules,
        "panels": covered.panels,
        "series": covered.series,
        "replayed": covered.replayed,
        "written_by": covered.written_by,
    }
