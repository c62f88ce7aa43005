"""The log as a channel: one structured, readable line."""

import logging

from core.events import Severity
from core.incidents.lifecycle import ENDINGS
from core.incidents.messages import Message
from core.reports.message import ReportMessage, headlines
from core.settings.channels import ConsoleChannel
from functions.adapters import logs
from functions.adapters.notify.channel import ChannelKind, DeliveryOutcome, Receipt

log = logging.getLogger("aia.notifications")
_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


class Console:
    """Writes each message to the log, at the level of its severity; a resolution at INFO."""

    def send(self, message: Message) -> Receipt:
        """Write the line; the log takes everything."""
        level = logging.INFO if message.change in ENDINGS else _LEVELS[message.severity]
        text = " | ".join(message.text.splitlines())
        details = logs.fields(
            key=message.key,
            incident_id=message.incident_id,
            change=message.change,
            incident_severity=message.severity,
            url=message.url,
        )
        log.log(level, "[%s] %s: %s | %s", message.change, message.severity, message.title, text, extra=details)
        return Receipt(DeliveryOutcome.DELIVERED)

    def send_report(self, message: ReportMessage) -> Receipt:
        """Write the headlines on one line."""
        details = logs.fields(key=message.key, url=message.url)
        log.info("[report] %s | %s", message.title, " | ".join(headlines(message.report)), extra=details)
        return Receipt(DeliveryOutcome.DELIVERED)


KIND: ChannelKind[ConsoleChannel] = ChannelKind(open=lambda *_: Console())
