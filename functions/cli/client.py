"""The operations of the API as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from functions.cli.api import PATIENCE_SECONDS, call, fetch, path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.reports.document import Report
    from functions.services.api_schemas.bodies import (
        Acknowledged,
        Answers,
        Comment,
        Decided,
        HandedOn,
        MergedInto,
        Promoted,
        Reasoned,
        Said,
        SentAgain,
        Silenced,
        Switched,
        Unsilenced,
    )
    from functions.services.api_schemas.business import Forecast, Metric
    from functions.services.api_schemas.incidents import (
        Accepted,
        Actions,
        Channel,
        Events,
        Explanation,
        FoundIncidents,
        Incident,
        OnCall,
        Reports,
        Silence,
    )
    from functions.services.api_schemas.models import (
        Distributions,
        Drift,
        Experiment,
        History,
        Model,
        ModelChange,
        ModelSettings,
        Overview,
        TrainingRequest,
        Trainings,
        VersionDifference,
        Versions,
    )
    from functions.services.api_schemas.system import (
        Backfills,
        ComplianceItem,
        Coverage,
        DashboardLayout,
        DeadLetter,
        Decision,
        Dependency,
        Deployment,
        Me,
        Named,
        Pipeline,
        Probe,
        ProbeHistory,
        Recommendation,
        Resource,
        Rules,
        Taken,
        TileData,
        Upkeep,
        WholeDeadLetter,
    )
    from functions.services.api_schemas.tokens import NewToken, Token, TokenAsked


@dataclass(frozen=True, slots=True)
class Client:
    """Asks the API at an address; every method raises `RefusedError` where it refuses, or does not answer.

    Attributes:
        url: of the API.
        patience: seconds to wait for each part of an answer.
    """

    url: str
    patience: float = PATIENCE_SECONDS

    def incidents(
        self, *, limit: int | None = None, cursor: str | None = None, since: str | None = None, until: str | None = None
    ) -> list[Incident]:
        """Open incidents by severity and impact, then the newest resolved ones."""
        return cast(
            "list[Incident]", self._ask("GET", path("incidents", limit=limit, cursor=cursor, since=since, until=until))
        )

    def incident_search(
        self,
        *,
        state: Sequence[str] | None = None,
        severity: Sequence[str] | None = None,
        category: str | None = None,
        target: str | None = None,
        model: str | None = None,
        person: str | None = None,
        q: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> FoundIncidents:
        """Incidents that match, page by page: the open ones, the most severe first, then the last to end first, 400 days back."""
        return cast(
            "FoundIncidents",
            self._ask(
                "GET",
                path(
                    "incidents",
                    "search",
                    state=state,
                    severity=severity,
                    category=category,
                    target=target,
                    model=model,
                    person=person,
                    q=q,
                    since=since,
                    until=until,
                    cursor=cursor,
                    limit=limit,
                ),
            ),
        )

    def events(
        self,
        *,
        kind: Sequence[str] | None = None,
        target: str | None = None,
        person: str | None = None,
        q: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Events:
        """What people and the system did, the newest first."""
        return cast(
            "Events",
            self._ask(
                "GET",
                path(
                    "events",
                    kind=kind,
                    target=target,
                    person=person,
                    q=q,
                    since=since,
                    until=until,
                    cursor=cursor,
                    limit=limit,
                ),
            ),
        )

    def incident(self, incident_id: str) -> Incident:
        """One incident, of any age."""
        return cast("Incident", self._ask("GET", path("incidents", incident_id)))

    def incident_report(self, incident_id: str) -> str:
        """The report of an incident."""
        return self._text(path("incidents", incident_id, "report.md"))

    def explanation(self, incident_id: str) -> Explanation:
        """The chain of reasons of an incident, from the findings to the messages and actions."""
        return cast("Explanation", self._ask("GET", path("incidents", incident_id, "explanation")))

    def acknowledge_incident(self, incident_id: str, body: Acknowledged) -> Accepted:
        """Take the incident, or one of its targets that fires."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "acknowledge"), body))

    def take_over_incident(self, incident_id: str, body: HandedOn) -> Accepted:
        """Hand the incident on, or take it from somebody."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "take_over"), body))

    def give_back_incident(self, incident_id: str, body: Said) -> Accepted:
        """Nobody has it any more: people are notified."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "give_back"), body))

    def mitigate_incident(self, incident_id: str, body: Said) -> Accepted:
        """The impact has ended."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "mitigate"), body))

    def resolve_incident(self, incident_id: str, body: Said) -> Accepted:
        """The incident is over, even if conditions still fire."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "resolve"), body))

    def cancel_incident(self, incident_id: str, body: Said) -> Accepted:
        """False alarm: resolve it and exclude it from the metrics."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "cancel"), body))

    def reopen_incident(self, incident_id: str, body: Said) -> Accepted:
        """It is not over."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "reopen"), body))

    def merge_incident(self, incident_id: str, body: MergedInto) -> Accepted:
        """It becomes a part of another incident."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "merge"), body))

    def split_incident(self, incident_id: str, body: Said) -> Accepted:
        """Take it out of the incident that a person merged it into."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "split"), body))

    def comment_incident(self, incident_id: str, body: Comment) -> Accepted:
        """Add a comment to the timeline."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "comment"), body))

    def actions(self) -> Actions:
        """Automated actions: those that wait, recent ones, and the switches."""
        return cast("Actions", self._ask("GET", path("actions")))

    def approve_action(self, request_id: str, body: Said) -> Accepted:
        """Approve an action that awaits it."""
        return cast("Accepted", self._ask("POST", path("actions", request_id, "approve"), body))

    def reject_action(self, request_id: str, body: Said) -> Accepted:
        """Reject it."""
        return cast("Accepted", self._ask("POST", path("actions", request_id, "reject"), body))

    def halt(self, body: Switched) -> Accepted:
        """Stop an action, or all of them."""
        return cast("Accepted", self._ask("POST", path("automation", "halt"), body))

    def resume(self, body: Switched) -> Accepted:
        """Allow what was stopped again."""
        return cast("Accepted", self._ask("POST", path("automation", "resume"), body))

    def silences(self) -> list[Silence]:
        """Active silences, by their end."""
        return cast("list[Silence]", self._ask("GET", path("silences")))

    def silence(self, body: Silenced) -> Accepted:
        """Mute notifications of some targets."""
        return cast("Accepted", self._ask("POST", path("silences"), body))

    def unsilence(self, body: Unsilenced) -> Accepted:
        """End the silences of a pattern."""
        return cast("Accepted", self._ask("POST", path("silences", "end"), body))

    def channels(self) -> list[Channel]:
        """Notification channels, and the newest test of each."""
        return cast("list[Channel]", self._ask("GET", path("channels")))

    def test_channel(self, name: str, body: Said) -> Accepted:
        """Send a test message through a channel."""
        return cast("Accepted", self._ask("POST", path("channels", name, "test"), body))

    def on_call(self) -> list[OnCall]:
        """Who is on call."""
        return cast("list[OnCall]", self._ask("GET", path("on-call")))

    def reports(self) -> Reports:
        """The weekly reports."""
        return cast("Reports", self._ask("GET", path("reports")))

    def report_text(self, name: str, week: str) -> str:
        """A report as text."""
        return self._text(path("reports", name, f"{week}.txt"))

    def report_document(self, name: str, week: str) -> Report:
        """A report as it was sent, or made anew."""
        return cast("Report", self._ask("GET", path("reports", name, week)))

    def send_report(self, name: str, week: str, body: Said) -> Accepted:
        """Send a report to the channels of the settings that have not got it."""
        return cast("Accepted", self._ask("POST", path("reports", name, week, "send"), body))

    def recommendations(self) -> list[Recommendation]:
        """What lowers costs, the largest saving first."""
        return cast("list[Recommendation]", self._ask("GET", path("recommendations")))

    def decide_recommendation(self, body: Decided) -> Decision:
        """Record a decision about a recommendation."""
        return cast("Decision", self._ask("POST", path("recommendations"), body))

    def upload_answers(self, body: Answers) -> Taken:
        """Upload answers to surveys: all of them, or none."""
        return cast("Taken", self._ask("POST", path("answers"), body))

    def models(self) -> list[Model]:
        """Models with their newest window."""
        return cast("list[Model]", self._ask("GET", path("models")))

    def model(self, name: str) -> ModelSettings:
        """Where the settings of a model are, and those of the table."""
        return cast("ModelSettings", self._ask("GET", path("models", name)))

    def put_model(self, name: str, body: dict[str, Any], *, by: str | None = None) -> ModelChange:
        """Create or change a model of the table."""
        return cast("ModelChange", self._ask("PUT", path("models", name, by=by), body))

    def remove_model(self, name: str, *, by: str | None = None) -> ModelChange:
        """Remove a model of the table."""
        return cast("ModelChange", self._ask("DELETE", path("models", name, by=by)))

    def drift(self, name: str, *, days: int | None = None) -> Drift:
        """Drift of a model by feature and day."""
        return cast("Drift", self._ask("GET", path("models", name, "drift", days=days)))

    def model_overview(self, name: str) -> Overview:
        """A model with its verdicts and open incidents."""
        return cast("Overview", self._ask("GET", path("models", name, "overview")))

    def model_history(self, name: str, *, days: int | None = None) -> History:
        """Drift, performance, costs, versions and incidents of a model by day."""
        return cast("History", self._ask("GET", path("models", name, "history", days=days)))

    def distributions(self, name: str) -> Distributions:
        """The features of the newest window beside the reference."""
        return cast("Distributions", self._ask("GET", path("models", name, "distributions")))

    def versions(self, name: str) -> Versions:
        """The versions of a model, and the changes of their aliases."""
        return cast("Versions", self._ask("GET", path("models", name, "versions")))

    def version_difference(self, name: str, before: str, after: str) -> VersionDifference:
        """How two versions of a model differ."""
        return cast("VersionDifference", self._ask("GET", path("models", name, "versions", before, "diff", after)))

    def trainings(self, name: str) -> Trainings:
        """The trainings of a model, and what came of them."""
        return cast("Trainings", self._ask("GET", path("models", name, "trainings")))

    def retrain(self, name: str, body: Reasoned) -> TrainingRequest:
        """Request a training on the newest data."""
        return cast("TrainingRequest", self._ask("POST", path("models", name, "retrain"), body))

    def experiment(self, name: str) -> Experiment:
        """The newest experiment of a model, and its promotion."""
        return cast("Experiment", self._ask("GET", path("models", name, "experiment")))

    def promote(self, name: str, body: Promoted) -> Accepted:
        """Promote a version, by default the challenger."""
        return cast("Accepted", self._ask("POST", path("models", name, "promote"), body))

    def roll_back(self, name: str, body: Reasoned) -> Accepted:
        """Give all traffic to the version that was in use before."""
        return cast("Accepted", self._ask("POST", path("models", name, "rollback"), body))

    def me(self) -> Me:
        """Who is signed in."""
        return cast("Me", self._ask("GET", path("me")))

    def probes(self) -> list[Probe]:
        """Probes with their newest result."""
        return cast("list[Probe]", self._ask("GET", path("probes")))

    def probe_history(self, *, period: str | None = None) -> ProbeHistory:
        """How each probe did, by half an hour of a day or by day of a quarter."""
        return cast("ProbeHistory", self._ask("GET", path("probes", "history", period=period)))

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

    def coverage(self) -> Coverage:
        """What is watched."""
        return cast("Coverage", self._ask("GET", path("coverage")))

    def capacity(self) -> list[Resource]:
        """Resources with a limit, and their forecast."""
        return cast("list[Resource]", self._ask("GET", path("capacity")))

    def dependencies(self, *, hours: int | None = None) -> list[Dependency]:
        """Dependencies that traces show."""
        return cast("list[Dependency]", self._ask("GET", path("dependencies", hours=hours)))

    def compliance(self) -> list[ComplianceItem]:
        """The list of compliance by what the audit log shows."""
        return cast("list[ComplianceItem]", self._ask("GET", path("compliance")))

    def maintenance(self) -> Upkeep:
        """The tasks of upkeep, backups, checks and advice."""
        return cast("Upkeep", self._ask("GET", path("maintenance")))

    def dead_letters(
        self, *, limit: int | None = None, cursor: str | None = None, since: str | None = None, until: str | None = None
    ) -> list[DeadLetter]:
        """Messages of the last 30 days that could not be handled, the newest first."""
        return cast(
            "list[DeadLetter]",
            self._ask("GET", path("dead-letters", limit=limit, cursor=cursor, since=since, until=until)),
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

    def business_metrics(self, *, since: str | None = None, until: str | None = None) -> list[Metric]:
        """Business metrics by day, of the last 30 days where no range is given."""
        return cast("list[Metric]", self._ask("GET", path("business", "metrics", since=since, until=until)))

    def forecasts(self, *, since: str | None = None, until: str | None = None) -> list[Forecast]:
        """Forecasts of the revenue of the next 30 days, as made."""
        return cast("list[Forecast]", self._ask("GET", path("business", "forecasts", since=since, until=until)))

    def settings(self) -> dict[str, Any]:
        """The settings as they hold, without what is secret."""
        return cast("dict[str, Any]", self._ask("GET", path("settings")))

    def tokens(self) -> list[Token]:
        """API tokens, without their secrets."""
        return cast("list[Token]", self._ask("GET", path("tokens")))

    def create_token(self, body: TokenAsked) -> NewToken:
        """Create a token; only this answer has it."""
        return cast("NewToken", self._ask("POST", path("tokens"), body))

    def revoke_token(self, identifier: str, body: Said) -> Token:
        """Revoke a token."""
        return cast("Token", self._ask("POST", path("tokens", identifier, "revoke"), body))

    def _ask(self, method: str, address: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        return call(self.url.rstrip("/"), method, address, cast("dict[str, Any] | None", body), patience=self.patience)

    def _text(self, address: str) -> str:
        return fetch(self.url.rstrip("/"), address, patience=self.patience).decode()
