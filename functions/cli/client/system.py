"""The operations of `system` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from functions.services.api_schemas.bodies import SentAgain
    from functions.services.api_schemas.findings import Conditions, Findings, KnownSignal, SignalValues
    from functions.services.api_schemas.incidents import Accepted
    from functions.services.api_schemas.system import (
        Backfills,
        ComplianceItem,
        Coverage,
        DashboardLayout,
        DeadLetters,
        Dependency,
        Deployment,
        Me,
        Named,
        Pipeline,
        Probe,
        ProbeHistory,
        Resource,
        Rules,
        TileData,
        Upkeep,
        WholeDeadLetter,
    )


class SystemClient(Asking):
    """Asks them."""

    __slots__ = ()

    def me(self) -> Me:
        """Who is signed in."""
        return cast("Me", self._ask("GET", path("me")))

    def probes(self) -> list[Probe]:
        """Probes with their newest result."""
        return cast("list[Probe]", self._ask("GET", path("probes")))

    def probe_history(
        self, *, period: str | None = None, since: str | None = None, until: str | None = None
    ) -> ProbeHistory:
        """How each probe did, by half an hour of at most two days, or by day."""
        return cast(
            "ProbeHistory", self._ask("GET", path("probes", "history", period=period, since=since, until=until))
        )

    def pipelines(self, *, running: str | None = None, name: str | None = None) -> list[Pipeline]:
        """Pipelines with their newest runs."""
        return cast("list[Pipeline]", self._ask("GET", path("pipelines", running=running, name=name)))

    def dashboards(self) -> list[Named]:
        """The dashboards."""
        return cast("list[Named]", self._ask("GET", path("dashboards")))

    def dashboard(self, name: str) -> DashboardLayout:
        """The layout of a dashboard."""
        return cast("DashboardLayout", self._ask("GET", path("dashboards", name)))

    def tile(
        self, name: str, index: int, *, start: int | None = None, end: int | None = None, step: int | None = None
    ) -> TileData:
        """The data of a tile; further parameters are the variables of the dashboard."""
        return cast(
            "TileData", self._ask("GET", path("dashboards", name, "tiles", index, start=start, end=end, step=step))
        )

    def rules(self) -> Rules:
        """Alert rules without data."""
        return cast("Rules", self._ask("GET", path("rules")))

    def conditions(
        self,
        *,
        target: str | None = None,
        source: str | None = None,
        firing: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Conditions:
        """Every condition that detectors judge, as it is now, by its key."""
        return cast(
            "Conditions",
            self._ask(
                "GET", path("conditions", target=target, source=source, firing=firing, limit=limit, cursor=cursor)
            ),
        )

    def findings(
        self,
        *,
        target: str | None = None,
        source: str | None = None,
        kind: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Findings:
        """Findings of detectors and other systems, the newest first, of the last 7 days where no range is given."""
        return cast(
            "Findings",
            self._ask(
                "GET",
                path(
                    "findings",
                    target=target,
                    source=source,
                    kind=kind,
                    since=since,
                    until=until,
                    limit=limit,
                    cursor=cursor,
                ),
            ),
        )

    def signals(self, *, area: str | None = None, seen: str | None = None, q: str | None = None) -> list[KnownSignal]:
        """Signals of every area, and how they are watched."""
        return cast("list[KnownSignal]", self._ask("GET", path("signals", area=area, seen=seen, q=q)))

    def signal_values(
        self, metric: str, *, since: str | None = None, until: str | None = None, step: int | None = None
    ) -> SignalValues:
        """The values of a metric over time."""
        return cast(
            "SignalValues", self._ask("GET", path("signals", metric, "values", since=since, until=until, step=step))
        )

    def coverage(self) -> Coverage:
        """What is watched."""
        return cast("Coverage", self._ask("GET", path("coverage")))

    def capacity(self) -> list[Resource]:
        """Resources with a limit, and their forecast."""
        return cast("list[Resource]", self._ask("GET", path("capacity")))

    def dependencies(self, *, since: str | None = None, until: str | None = None) -> list[Dependency]:
        """Dependencies that traces show, of the last 24 hours where no range is given, at most of 3 days."""
        return cast("list[Dependency]", self._ask("GET", path("dependencies", since=since, until=until)))

    def compliance(self) -> list[ComplianceItem]:
        """The list of compliance by what the audit log shows."""
        return cast("list[ComplianceItem]", self._ask("GET", path("compliance")))

    def maintenance(self) -> Upkeep:
        """The tasks of upkeep, backups, checks and advice."""
        return cast("Upkeep", self._ask("GET", path("maintenance")))

    def dead_letters(
        self, *, limit: int | None = None, cursor: str | None = None, since: str | None = None, until: str | None = None
    ) -> DeadLetters:
        """Messages of the last 30 days that could not be handled, the newest first."""
        return cast(
            "DeadLetters", self._ask("GET", path("dead-letters", limit=limit, cursor=cursor, since=since, until=until))
        )

    def dead_letter(self, identifier: str) -> WholeDeadLetter:
        """A dead letter with what it says."""
        return cast("WholeDeadLetter", self._ask("GET", path("dead-letters", identifier)))

    def send_again(self, identifier: str, body: SentAgain) -> Accepted:
        """Send a dead letter again, once."""
        return cast("Accepted", self._ask("POST", path("dead-letters", identifier, "resend"), body))

    def backfills(self) -> Backfills:
        """What is being loaded."""
        return cast("Backfills", self._ask("GET", path("backfills")))

    def deployment(self) -> Deployment:
        """Where the deployment is."""
        return cast("Deployment", self._ask("GET", path("deployment")))

    def runbook(self, name: str) -> str:
        """A runbook."""
        return self._text(path("runbooks", name))

    def guide(self, name: str) -> str:
        """A guide."""
        return self._text(path("guides", name))
