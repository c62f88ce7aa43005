"""Runs automated actions: within guard rails, once, verified, and undone when the incident got worse."""

from functools import partial

from functions.action_runner.parts import Actions, Runner
from functions.action_runner.requests import Requests
from functions.action_runner.runner import NAME, admit, handle
from functions.adapters.actions.registry import Registry
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports, actions: Actions | None = None) -> Endpoint:
    """The endpoint of requests for actions, commands and ticks; the actions are those there are, where none are given."""
    requests = Requests(
        store=ports.store,
        bus=ports.bus,
        ledger=ports.ledger,
        clock=ports.clock,
        playbooks={playbook.name: playbook for playbook in ports.settings.playbooks},
    )
    runner = Runner(
        store=ports.store,
        bus=ports.bus,
        ledger=ports.ledger,
        metrics=ports.metrics,
        clock=ports.clock,
        actions=actions or Registry(ports.settings, ports.models.all, ports.warehouse, ports.bus, ports.store),
        automation=ports.settings.automation,
        requests=requests,
    )
    return on_push(ports, read=partial(admit, cron=ports.cron, requests=requests), handle=partial(handle, runner))


main = serve(NAME, build)
