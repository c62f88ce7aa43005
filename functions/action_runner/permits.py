"""Permits: whether an action may be applied now, and its place in the budget, taken in the same write.

A place also holds the resource: while the action that has it has not settled, no other one may begin on the same resource.
Whether it has settled is what its own run says, so that there is nothing to give back, and nothing to forget in a crash.
"""

from core.actions.guards import Application, Guards, GuardVerdict, permit, rivals, taken
from core.actions.lifecycle import PATIENCE
from core.actions.plan import Plan
from core.events import ActionRequest, Stage
from functions.action_runner.parts import Runner
from functions.services.actions import change_guards, find_run


def permitted(runner: Runner, request: ActionRequest, plan: Plan, *, approved: bool) -> GuardVerdict:
    """The verdict of the guard rails; if they allow the action, its place in the budget is taken in the same write."""
    verdicts: list[GuardVerdict] = []

    def step(guards: Guards) -> Guards:
        now, automation = runner.clock(), runner.automation
        held = holder(runner, guards, request, plan.resource)
        verdicts.append(
            permit(request, plan, guards=guards, automation=automation, now=now, approved=approved, holder=held)
        )
        passes = verdicts[-1].stage is Stage.APPROVED
        return taken(guards, request, resource=plan.resource, automation=automation, now=now) if passes else guards

    change_guards(runner.store, step)
    return verdicts[-1]


def holder(runner: Runner, guards: Guards, request: ActionRequest, resource: str) -> str:
    """The id of the request whose action on the same resource has not settled; empty where there is none."""
    held = (rival.request_id for rival in rivals(guards, request, resource) if not _settled(runner, rival))
    return next(held, "")


def _settled(runner: Runner, application: Application) -> bool:
    """Whether nothing more comes of it; one whose run was never saved is delivered again, for some time."""
    run = find_run(runner.store, application.request_id)
    return run.over if run else runner.clock() - application.at >= PATIENCE
