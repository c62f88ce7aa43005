"""Test messages: sent through a channel as every message is, and the channel's answer kept for whoever asked."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.errors import AiaError
from core.events import Change, Command, Severity, stamp
from core.incidents.messages import Fact, Message
from core.text import clean
from functions.adapters import logs
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channel import Channel
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update

COLLECTION = "channel_tests"
"""One document for each channel: its newest test. The key is the channel's name."""
LEASE = timedelta(seconds=30)
LATE = timedelta(minutes=10)
"""A command that is older is not carried out: nobody waits for it any more."""
FAILED = "failed"
"""The outcome where the channel does not answer now; the others are those of a delivery."""
_INTRODUCED = "pagerduty"
"""The kind that drops a resolution of what it was not told of: the test is sent as what it missed, and is a resolved alert."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTests:
    """Sends test messages.

    Attributes:
        store: keeps the answers.
        ledger: sends each once.
        channels: by name.
        kinds: of the channels, by name.
        url: the address of the page.
        clock: now.
    """

    store: Store
    ledger: Ledger
    channels: Mapping[str, Channel]
    kinds: Mapping[str, str]
    url: str
    clock: Clock

    def run(self, command: Command) -> None:
        """Send the test message that a person asked for, and keep the answer; idempotent.

        Raises:
            BusyError: another instance is sending it.
            UnavailableError: the store does not answer.
        """
        self.ledger.once(f"channel-test:{command.id}", lambda: self._send(command), lease=LEASE)

    def _send(self, command: Command) -> None:
        outcome, detail = self._answer(command)
        log.info("test of %s: %s %s", command.subject, outcome, detail, extra=logs.fields(channel=command.subject))
        data: Data = {
            "id": command.id,
            "by": command.by,
            "at": command.at,
            "answered_at": self.clock(),
            "outcome": outcome,
            "detail": clean(detail),
        }

        def newest(before: Data | None) -> Data | None:
            return None if before is not None and before["at"] > command.at else data

        update(self.store, COLLECTION, command.subject, newest)

    def _answer(self, command: Command) -> tuple[str, str]:
        channel = self.channels.get(command.subject)
        if channel is None:
            return FAILED, "the settings name no such channel"
        if self.clock() - command.at > LATE:
            return FAILED, f"not sent: it was asked for at {stamp(command.at)}"
        try:
            receipt = channel.send(message(command, url=self.url, missed=self.kinds[command.subject] == _INTRODUCED))
        except AiaError as error:
            return FAILED, str(error)
        return receipt.outcome.value, receipt.detail


def message(command: Command, *, url: str, missed: bool) -> Message:
    """The test message: about nothing, over at once, so that nobody is called and nothing stays open."""
    return Message(
        key=command.id,
        channel=command.subject,
        incident_id=f"test-{command.subject}-{command.at:%Y%m%d%H%M%S}",
        change=Change.RESOLVED,
        severity=Severity.INFO,
        category="platform",
        target=f"channel/{command.subject}",
        title=f"Test message to {command.subject}",
        text=f"Test message to {command.subject}: nobody needs to do anything.",
        facts=(Fact(name="Sent by", text=clean(command.by)),),
        url=f"{url.rstrip('/')}/#channels",
        runbook="",
        at=command.at,
        missed=missed,
    )
