"""Restart a Cloud Run service: a new revision with the same template replaces the one that serves.

Cloud Run has no restart of instances; a revision starts new ones, and the traffic moves only when they are ready, so
that a failing restart takes nothing down. The key stands in the template's annotations, and a revision has those for
ever.

Undoing takes two steps where the traffic followed the latest revision. The former revision gets the traffic at once, by its name,
and a revision like it is deployed; when that is ready, the traffic follows the latest again. A service that stayed on a
named revision would serve no later deployment.
"""

from collections.abc import Mapping, Sequence

from google.cloud.run_v2.types import RevisionTemplate, Service, TrafficTarget

from core.actions.plan import Health, Plan, Step, Verification
from core.errors import ActionError, UnavailableError
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions import run
from functions.adapters.actions.calls import lookup, short

KEY = "aia-monitoring/restart"
"""The annotation that says under which key the revision was made."""
UNDONE = "aia-monitoring/undone"
"""The annotation of the service that says which revision it was taken back to, and from which generation."""


class RestartService:
    """The action `restart_service`; see the port.

    Args:
        resources: what targets are in the cloud.
        services: Cloud Run; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], services: run.Services | None = None) -> None:
        self._resources = resources
        self._services = services or run.connect()

    def plan(self, request: ActionRequest) -> Plan:
        """What would change; `ActionError` unless the newest revision has all the traffic."""
        service = self._services.get(lookup(self._resources, request.target, "service"))
        revision = run.serving_revision(service)
        return Plan(
            summary=f"service {short(service.name)}: replaced by a new revision like {revision}",
            steps=(Step(what="the revision that serves", before=revision, after="a new one of the same template"),),
            touched=1,
            resource=run.resource_name(service),
            state={
                "service": service.name,
                "revision": revision,
                "generation": str(service.generation),
                "traffic": run.spell(service.traffic),
                "key": service.template.annotations.get(KEY, ""),
            },
        )

    def apply(self, plan: Plan, key: str) -> str:
        """Create the revision and route the traffic to it; returns the operation's name, without waiting for its end."""
        service = self._services.get(plan.state["service"])
        if service.template.annotations.get(KEY) == key:
            return f"revision {short(service.latest_created_revision)} was made under this key before"
        if str(service.generation) != plan.state["generation"]:
            raise ActionError(_changed(service.name, plan.state["generation"], service.generation))
        template = RevisionTemplate(service.template)
        template.annotations[KEY] = key
        template.revision = ""  # the name of another revision, which only a deployment that repeats it may have
        return self._services.update(
            service, "template", "traffic", template=template, traffic=run.to_latest(service.traffic)
        )

    def verify(self, plan: Plan) -> Verification:
        """Good when the new revision is ready and has all the traffic."""
        service = self._services.get(plan.state["service"])
        ready = run.readiness(service)
        if ready.health is not Health.GOOD:
            return ready
        newest = short(service.latest_created_revision)
        if newest == plan.state["revision"]:
            return Verification(health=Health.BAD, detail=f"there is no revision after {newest}")
        if not run.serves_all(service):
            return Verification(health=Health.BAD, detail=f"{newest} does not have all the traffic")
        return ready

    def undo(self, plan: Plan) -> str:
        """Route all traffic back to the former revision, and to the latest again where it followed that, unless others changed it.

        Raises:
            UnavailableError: the former revision has the traffic, and the one like it is not ready yet; the next call goes on.
            ActionError: somebody deployed something since; or the traffic cannot follow the latest revision, which is not ready.
        """
        service = self._services.get(plan.state["service"])
        planned = int(plan.state["generation"])
        if service.generation == planned:
            return "nothing to undo: the service is as it was"
        former = run.read(plan.state["traffic"]) or run.to_latest(())
        if service.annotations.get(UNDONE) == _mark(plan):
            return self._follow(service, former, plan.state["revision"])
        named = run.pinned(former, plan.state["revision"])
        if named == former and run.spell(service.traffic) == run.spell(former):
            return f"{plan.state['revision']} has the traffic already"
        if service.generation != planned + 1:
            raise ActionError(_changed(service.name, str(planned + 1), service.generation))
        if named == former:
            return self._services.update(service, "traffic", traffic=former)
        self._take_back(service, named, plan)
        raise UnavailableError(
            f"{service.name}: {plan.state['revision']} has the traffic, a revision like it is deployed"
        )

    def _take_back(self, service: Service, named: Sequence[TrafficTarget], plan: Plan) -> None:
        """Route the traffic to the former revision by its name, and deploy one like it, which gets none yet."""
        template = RevisionTemplate(service.template)
        template.revision = ""
        template.annotations.pop(KEY, None)
        if plan.state.get("key"):
            template.annotations[KEY] = plan.state["key"]
        annotations = {**service.annotations, UNDONE: _mark(plan)}
        self._services.update(
            service, "template", "traffic", "annotations", template=template, traffic=named, annotations=annotations
        )

    def _follow(self, service: Service, former: Sequence[TrafficTarget], revision: str) -> str:
        """Route the traffic as it was before the restart, when that leads to a revision like the former one."""
        if run.spell(service.traffic) == run.spell(former):
            return "the traffic is as it was already"
        if run.spell(service.traffic) != run.spell(run.pinned(former, revision)):
            return f"taken back to {revision}; somebody has moved the traffic since, which is left as it is"
        ready = run.readiness(service)
        if ready.health is Health.PENDING:
            raise UnavailableError(f"{service.name}: {revision} has the traffic; {ready.detail}")
        if ready.health is Health.BAD and short(service.latest_ready_revision) != revision:
            raise ActionError(f"{service.name}: {revision} has the traffic by its name, not the latest: {ready.detail}")
        return self._services.update(service, "traffic", traffic=former)


def _mark(plan: Plan) -> str:
    return f"{plan.state['revision']} from generation {plan.state['generation']}"


def _changed(service: str, expected: str, generation: int) -> str:
    return f"{service}: somebody changed it: its generation must be {expected}, got {generation}"
