"""Weekly reports: the kept ones, which everybody was sent, and previews of those that are not kept."""

from dataclasses import dataclass, field

from core.reports.document import Report
from core.reports.message import to_text
from core.reports.registry import REPORTS
from core.reports.weeks import Week, WeekError, last_week, week_of
from functions.adapters.ports import Data
from functions.api.cache import Cache
from functions.services.reports.archive import Archive, KeptReport
from functions.services.reports.page import page
from functions.services.reports.service import ReportMaker

LATEST = "latest"
_SECONDS = 60.0
"""How long a preview is cached: many viewers cost one reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Reads reports.

    Attributes:
        maker: makes previews.
        archive: has the kept ones.
        project: of BigQuery, to link its console; empty where there is none.
    """

    maker: ReportMaker
    archive: Archive
    project: str
    _cache: Cache = field(default_factory=Cache)

    def all(self) -> Data:
        """The reports that there are with their sections, and those that are kept, the newest first."""
        kinds = [
            {
                "name": kind.name,
                "title": kind.title,
                "sections": list(kind.section_names),
                "section_titles": [section.title for section in kind.sections],
            }
            for kind in REPORTS.values()
        ]
        return {"reports": kinds, "latest": self._week(LATEST).name, "kept": self._kept()}

    def one(self, name: str, week: str) -> Report:
        """The kept report of a week, or a preview of it.

        Raises:
            LookupError: there is no such report or week, or the week is not over.
            UnavailableError: a dependency does not answer.
        """
        return self._one(name, week)[0]

    def text(self, name: str, week: str) -> str:
        """The report as plain text; raises as `one`."""
        return to_text(self.one(name, week))

    def page(self, name: str, week: str) -> str:
        """The report as a page; raises as `one`."""
        report, kept = self._one(name, week)
        return page(report, project=self.project, kept=kept)

    def subject(self, name: str, week: str) -> str:
        """The subject of the command to send a report; raises `LookupError` as `one`."""
        self._check(name)
        return f"{name}:{self._week(week).name}"

    def _one(self, name: str, week: str) -> tuple[Report, bool]:
        self._check(name)
        chosen = self._week(week)
        kept = self.archive.get(name, chosen.name)
        if kept is not None:
            return kept, True
        return self._cache((name, chosen.name), lambda: self.maker.make(name, chosen), seconds=_SECONDS), False

    def _check(self, name: str) -> None:
        if name not in REPORTS:
            raise LookupError(f"report: must be one of {', '.join(REPORTS)}, got {name[:80]!r}")

    def _week(self, name: str) -> Week:
        zone = self.maker.settings.business.time_zone
        newest = last_week(self.maker.clock(), zone)
        try:
            week = newest if name == LATEST else week_of(name, zone)
        except WeekError as error:
            raise LookupError(str(error)) from error
        if week.monday > newest.monday:
            raise LookupError(f"week: must be over, the newest is {newest.name}, got {name!r}")
        return week

    def _kept(self) -> list[Data]:
        return [
            {"name": one.name, "week": one.week, "made_at": one.made_at, "sent": one.sent}
            for one in sorted(self.archive.all(), key=_newest_first, reverse=True)
        ]


def _newest_first(one: KeptReport) -> tuple[str, str]:
    return one.week, one.name
