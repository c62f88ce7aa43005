"""The incident service of a function, from the environment and the settings."""

import logging
import os

from core.incidents.policy import incident_policy
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channels import open_channels
from functions.adapters.ports import Bus, Clock, Metrics, Store
from functions.services.incidents.channels import FailingChannels
from functions.services.incidents.dispatch import Dispatcher
from functions.services.incidents.service import IncidentService
from functions.services.incidents.silences import Silences

log = logging.getLogger(__name__)


def build(
    settings: Settings, *, store: Store, bus: Bus, ledger: Ledger, metrics: Metrics, clock: Clock
) -> IncidentService:
    """The incident service of a function.

    Args:
        settings: the settings.
        store: keeps groups and incidents.
        bus: takes what is published.
        ledger: sees to it that an effect happens once.
        metrics: of the function.
        clock: now.
    """
    return IncidentService(
        store=store,
        dispatcher=Dispatcher(
            store=store,
            bus=bus,
            channels=open_channels(settings.channels, clock, store),
            ledger=ledger,
            metrics=metrics,
        ),
        metrics=metrics,
        clock=clock,
        policy=incident_policy(settings, _address("AIA_API_URL"), os.environ.get("AIA_RUNBOOKS_URL", "")),
        failing=FailingChannels(store, clock),
        silences=Silences(store, clock),
    )


def _address(name: str) -> str:
    address = os.environ.get(name, "")
    if not address:
        log.warning("%s is not set: messages have no link to their incident", name)
    return address
