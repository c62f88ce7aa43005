"""Read the newest log lines of a target, so that the responder sees them in the incident. Nothing is changed."""

from collections.abc import Mapping
from datetime import timedelta

from core.actions.plan import Health, Plan, Step, Verification
from core.events import ActionRequest, stamp
from core.settings.response import Resource
from functions.adapters.actions import cloud_logging
from functions.adapters.actions.calls import lookup
from functions.adapters.actions.log_lines import report

BEFORE = timedelta(minutes=30)
"""The span of the lines before the request; they end with the newest."""
LINES = 200


class CollectDiagnostics:
    """The action `collect_diagnostics`; see the port.

    Args:
        resources: what targets are in the cloud.
        logs: Cloud Logging; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], logs: cloud_logging.Logs | None = None) -> None:
        self._resources = resources
        self._logs = logs or cloud_logging.connect()

    def plan(self, request: ActionRequest) -> Plan:
        """The current summary of the logs, so that a dry run shows it as well."""
        selection = lookup(self._resources, request.target, "logs")
        since = stamp(request.requested_at - BEFORE)
        state = {"target": request.target, "since": since, "filter": _filter(selection, since)}
        said = self._report(state)
        return Plan(
            summary=f"logs of {request.target} since {since}: {said}",
            steps=(Step(what=f"timeline of {request.incident_id}", before="nothing of the logs", after=said),),
            touched=0,
            state=state,
        )

    def apply(self, plan: Plan, key: str) -> str:  # noqa: ARG002 - reading again changes nothing
        """The current summary of the logs: lines arrive late, and a request may have waited."""
        return self._report(plan.state)

    def verify(self, plan: Plan) -> Verification:
        """Good at once: nothing was changed."""
        return Verification(health=Health.GOOD, detail=f"the logs of {plan.state['target']} were read")

    def undo(self, plan: Plan) -> str:
        """Nothing: nothing was changed."""
        return f"nothing to put back: the logs of {plan.state['target']} were only read"

    def _report(self, state: Mapping[str, str]) -> str:
        lines = self._logs.newest(state["filter"], LINES, f"logs of {state['target']}")
        return report(lines.lines, more=lines.more)


def _filter(selection: str, since: str) -> str:
    """Of the settings' filter the lines that matter; on lines of their own, since the filter may end in a comment."""
    return f'(\n{selection}\n)\nAND severity>=WARNING\nAND timestamp>="{since}"'
