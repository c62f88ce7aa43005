"""Desks as the environment and the settings say: for the functions that decide over incidents."""

import logging
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from core.incidents.charter import charter
from core.settings import Settings
from functions.adapters import metrics
from functions.adapters.bus import open_bus
from functions.adapters.desks.channels import FailingChannels
from functions.adapters.desks.desk import Desks
from functions.adapters.desks.perform import Performer
from functions.adapters.desks.silences import Silences
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channels import open_channels
from functions.adapters.store import open_store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The desks, and the silences that they go by."""

    desks: Desks
    silences: Silences


def build(function: str, settings: Settings) -> Built:
    """The desks of a function.

    Args:
        function: its name, for the ledger and the metrics.
        settings: what decisions go by.
    """
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    store, counts = open_store(os.environ["AIA_STORE"], project), metrics.connect(function)
    performer = Performer(
        store=store,
        bus=open_bus(project),
        channels=open_channels(settings.channels, now, store),
        ledger=Ledger(store, now, f"{function}@{socket.gethostname()}:{os.getpid()}"),
        metrics=counts,
    )
    silences = Silences(store, now)
    desks = Desks(
        store=store,
        performer=performer,
        metrics=counts,
        clock=now,
        charter=charter(settings, _address("AIA_API_URL"), os.environ.get("AIA_RUNBOOKS_URL", "")),
        failing=FailingChannels(store, now),
        silences=silences,
    )
    return Built(desks=desks, silences=silences)


def _address(name: str) -> str:
    found = os.environ.get(name, "")
    if not found:
        log.warning("%s is not set: messages have no link to their incident", name)
    return found


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
