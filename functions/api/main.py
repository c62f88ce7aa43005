"""The API and the page: incidents and commands about them, models with their drift, probes, dashboards.

On Google Cloud it is behind IAM. Reading changes nothing. Commands of people are published, and the
functions that own incidents and actions execute them. Every response is JSON, except the page, its files, reports and
runbooks.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette

from core.access import role_of
from functions.adapters import logs
from functions.adapters.ports import RowBus
from functions.api import experience, server
from functions.api.addresses import proxies
from functions.api.asgi import Changes, application
from functions.api.dashboards import load
from functions.api.deployment import is_local
from functions.api.identity import open_id_tokens
from functions.api.live_hub import Feed, Take
from functions.api.services import Services, Sources, compose
from functions.api.session import open_session
from functions.runtime.iap import Iap, open_iap
from functions.runtime.ports import Ports, once

PATIENCE = 10.0
"""Seconds that a command waits for the bus before it fails."""
_STARTED = datetime.now(UTC)


def build(ports: Ports, iap: Iap | None = None) -> Starlette:
    """The application; files are served even with invalid settings, so the services are created at their first use.

    Args:
        ports: of the function.
        iap: Identity-Aware Proxy before it; that of the environment where none is given.
    """
    opened: list[Services] = []

    @once
    def services() -> Services:
        opened.append(_services(ports))
        return opened[0]

    def heard(topics: frozenset[str]) -> None:
        for one in opened:
            one.forget(topics)

    changes = Changes(partial(_feed, ports), ports.clock, heard)
    proxy, before = iap or open_iap(os.environ), proxies(os.environ)
    if identify := open_id_tokens(os.environ, proxy.person if proxy else None):
        return application(
            services,
            identify=identify,
            role_of=lambda person: role_of(person, ports.settings.access),
            changes=changes,
            proxies=before,
        )
    session = open_session(os.environ)
    return application(
        services, identify=session.person if session else None, verified=False, changes=changes, proxies=before
    )


def _feed(ports: Ports, take: Take) -> Feed:
    from functions.adapters import live_feed  # noqa: PLC0415 - only where somebody watches: see `open_once`

    return live_feed.Feed(ports.project, ports.store, take)


def _services(ports: Ports) -> Services:
    return compose(
        Sources(
            settings=ports.settings,
            models=ports.models,
            store=ports.store,
            warehouse=ports.warehouse,
            prometheus=ports.prometheus,
            dashboards=load(),
            bus=open_once(ports.project, PATIENCE),
            report_bus=open_once(ports.project, experience.PATIENCE),
            project="" if is_local() else ports.project,
            clock=ports.clock,
            started=_STARTED,
        )
    )


def open_once(project: str, patience: float) -> Callable[[], RowBus]:
    """Opens the bus at its first use: most requests only read, and importing Pub/Sub's client takes half a second."""

    @once
    def bus() -> RowBus:
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - see above

        return open_bus(project, patience=patience)

    return bus


def main() -> Starlette:
    """What a server of ASGI applications serves, with the logs of all functions."""
    logs.setup()
    return build(Ports("api"))


if __name__ == "__main__":
    server.run(main())
