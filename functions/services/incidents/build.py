"""The incident service of a function, from the environment and the settings."""

import logging
import os
import socket
from datetime import UTC, datetime

from core.incidents.policy import incident_policy
from core.settings import Settings
from functions.adapters import metrics
from functions.adapters.bus import open_bus
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channels import open_channels
from functions.adapters.store import open_store
from functions.services.incidents.channels import FailingChannels
from functions.services.incidents.dispatch import Dispatcher
from functions.services.incidents.service import IncidentService
from functions.services.incidents.silences import Silences

log = logging.getLogger(__name__)


def build(function: str, settings: Settings) -> IncidentService:
    """The incident service of a function.

    Args:
        function: its name, for the ledger and the metrics.
        settings: the settings.
    """
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    store, counts = open_store(os.environ["AIA_STORE"], project), metrics.connect(function)
    return IncidentService(
        store=store,
        dispatcher=Dispatcher(
            store=store,
            bus=open_bus(project),
            channels=open_channels(settings.channels, now, store),
            ledger=Ledger(store, now, f"{function}@{socket.gethostname()}:{os.getpid()}"),
            metrics=counts,
        ),
        metrics=counts,
        clock=now,
        policy=incident_policy(settings, _address("AIA_API_URL"), os.environ.get("AIA_RUNBOOKS_URL", "")),
        failing=FailingChannels(store, now),
        silences=Silences(store, now),
    )


def _address(name: str) -> str:
    address = os.environ.get(name, "")
    if not address:
        log.warning("%s is not set: messages have no link to their incident", name)
    return address


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
