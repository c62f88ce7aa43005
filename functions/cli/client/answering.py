"""The operations of `answering` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from core.reports.document import Report
    from functions.services.api_schemas.bodies import Answers, Decided, Said, Silenced, Switched, Unsilenced
    from functions.services.api_schemas.incidents import Accepted, Actions, Channel, OnCall, Reports, Silence
    from functions.services.api_schemas.system import Decision, Recommendation, Taken


class AnsweringClient(Asking):
    """Asks them."""

    __slots__ = ()

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
