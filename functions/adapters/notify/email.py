"""E-mail as a channel: a message of plain text and HTML through a mail server, over a protected connection.

delivered to some or all       delivered, with the addresses that were refused
an answer from 500 on          refused, with the server's code and words
an answer from 400 on          retried
no answer, no TLS, no trust    retried

Every attempt to send a message has the same `Message-ID`, and all messages of an incident refer to one that is never
sent, so that mail clients drop repetitions and show an incident as one conversation.
"""

import base64
import contextlib
import ipaddress
import smtplib
from collections.abc import Iterable, Iterator, Sequence
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape

from core.errors import UnavailableError
from core.events import Change, Severity
from core.incidents.lifecycle import ENDINGS, RESPONSES
from core.incidents.messages import Message
from core.reports.message import ReportMessage
from core.settings.channels import EmailChannel, Encryption
from core.text import instant
from functions.adapters import request_deadline
from functions.adapters.net import Deadline
from functions.adapters.notify.channel import ChannelKind, DeliveryOutcome, Links, Receipt
from functions.adapters.notify.report_letter import POLICY, message_id, report_letter
from functions.adapters.notify.text import fit, paragraph, redacted, web
from functions.adapters.smtp_session import SmtpSession

_FINAL = range(500, 600)
LONGEST_SUBJECT = 120
_LONGEST_TEXT = 8000
_LONGEST_FACT = 2000
_MOST_FACTS = 40
_COLOURS = {
    Severity.INFO: "#2563eb",
    Severity.WARNING: "#b45309",
    Severity.ERROR: "#c2410c",
    Severity.CRITICAL: "#b91c1c",
}
_ENDED = {Change.RESOLVED: "#15803d", Change.EXPIRED: "#6b7280", Change.MERGED: "#6d28d9"}
_ENDS = RESPONSES | ENDINGS
_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;font:15px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#111827">
<div style="max-width:640px;border-left:4px solid {colour};padding-left:16px">
<p style="margin:0;color:{colour};font-weight:600">{state}</p>
<h1 style="margin:4px 0 12px;font-size:20px;line-height:1.3">{title}</h1>
{paragraphs}
{facts}
{links}
<p style="color:#6b7280;font-size:13px">{footer}</p>
</div></body></html>
"""


Letter = tuple[Sequence[str], bytes]
"""Addresses, and what is sent to them."""


class Email:
    """Sends each message to all addresses at once; to a person who may answer by links, as a letter of its own.

    Args:
        setting: the server, the addresses, and how the connection is protected; the password is a secret.
        seconds: for all of a delivery, however slowly the server answers.
        links: makes the links of a person, if there are any.
    """

    def __init__(self, setting: EmailChannel, seconds: float, links: Links | None = None) -> None:
        self._setting = setting
        self._seconds = seconds
        self._links = links

    def send(self, message: Message) -> Receipt:
        """Send the message."""
        return self._send(self._letters(message))

    def send_plain_text(self, message: Message) -> Receipt:
        """Send the message without HTML and links to answer."""
        return self._send(self._text_letter(message))

    def send_report(self, message: ReportMessage) -> Receipt:
        """Send the report to all addresses at once."""
        to, sender = self._setting.to, self._setting.sender
        return self._send([(to, report_letter(message, sender=sender, to=to))])

    def _send(self, letters: Iterable[Letter]) -> Receipt:
        setting = self._setting
        if setting.encryption is Encryption.NONE and setting.user and not _is_here(setting.host):
            return Receipt(
                DeliveryOutcome.REFUSED, "encryption: must not be none where there is a password, the server is remote"
            )
        try:
            with contextlib.ExitStack() as closing:
                return self._deliver(letters, self._session(closing))
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(min((code for code, _ in error.recipients.values()), default=0), "every recipient")
        except smtplib.SMTPAuthenticationError as error:
            # The text of the answer may repeat the message.
            return self._refused(error.smtp_code, "user and password")
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, _words(error.smtp_error))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise request_deadline.no_answer(f"channel {setting.name}: no delivery ({type(error).__name__})") from None

    def _session(self, closing: contextlib.ExitStack) -> SmtpSession:
        setting = self._setting
        return SmtpSession(
            setting.host,
            setting.port,
            Deadline(request_deadline.within(self._seconds)),
            closing,
            tls=setting.encryption is Encryption.TLS,
            # The name of this machine, which smtplib would look up, means nothing to a mail server; the sender's domain does.
            local_hostname=setting.sender.rpartition("@")[2].strip("> "),
        )

    def _deliver(self, letters: Iterable[Letter], session: SmtpSession) -> Receipt:
        setting = self._setting
        if setting.encryption is Encryption.STARTTLS:
            session.protect()
        if setting.user:
            session.login(setting.user, setting.password)
        refused: dict[str, tuple[int, bytes]] = {}
        for to, body in letters:
            try:
                refused |= session.sendmail(
                    parseaddr(setting.sender)[1], [parseaddr(address)[1] for address in to], body
                )
            except smtplib.SMTPRecipientsRefused as error:
                refused |= error.recipients
        if len(refused) == len({parseaddr(address)[1] for address in setting.to}):
            raise smtplib.SMTPRecipientsRefused(refused)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            session.putcmd("QUIT")
        shown = ", ".join(f"{address}: {code}" for address, (code, _) in refused.items())
        return Receipt(DeliveryOutcome.DELIVERED, fit(f"not to {shown}", 300) if shown else "")

    def _text_letter(self, message: Message) -> Iterator[Letter]:
        to = self._setting.to
        yield to, letter(message, sender=self._setting.sender, to=to, html=False)

    def _letters(self, message: Message) -> Iterator[Letter]:
        """The letters, each with its addresses: those with links to answer are for one person alone."""
        to, sender, links = self._setting.to, self._setting.sender, self._links
        if links is None:
            yield to, letter(message, sender=sender, to=to)
            return
        if together := [address for address in to if not links.knows(address)]:
            yield together, letter(message, sender=sender, to=together)
        for address in filter(links.knows, to):
            yield [address], letter(message, sender=sender, to=[address], answers=links(address, message), alone=True)

    def _refused(self, code: int, what: str) -> Receipt:
        """The receipt of an answer that is final; `UnavailableError` for one that is not."""
        if code not in _FINAL:
            raise UnavailableError(f"channel {self._setting.name}: answered {code}") from None
        secrets = (self._setting.password, _base64(self._setting.password))
        return Receipt(DeliveryOutcome.REFUSED, fit(redacted(f"SMTP {code}: {what}", *secrets), 300))


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _words(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


KIND: ChannelKind[EmailChannel] = ChannelKind(
    open=lambda setting, context: Email(setting, context.seconds, context.answers.links), seconds=15.0
)
"""A mail server may take its time, and the lease of an effect is longer."""


def letter(
    message: Message,
    *,
    sender: str,
    to: Sequence[str],
    answers: Sequence[tuple[str, str]] = (),
    alone: bool = False,
    html: bool = True,
) -> bytes:
    """The e-mail as it is sent.

    Args:
        message: the message.
        sender: the address it comes from, with or without a name.
        to: the recipients.
        answers: links by which the recipient answers, with their labels.
        html: whether it has HTML beside the text.
        alone: whether others get a letter of their own about the message, which then has another `Message-ID`.
    """
    made = EmailMessage(policy=POLICY)
    root = message_id(message.incident_id, sender)
    made["From"] = sender
    made["To"] = ", ".join(to)
    made["Subject"] = subject(message)
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = message_id(f"{message.key} {to[0]}" if alone else message.key, sender)
    made["In-Reply-To"] = root
    made["References"] = root
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_plain_text(message, answers), cte="quoted-printable")
    if html:
        made.add_alternative(_html(message, answers), subtype="html", cte="quoted-printable")
    return made.as_bytes()


def subject(message: Message) -> str:
    """The state and the title, without sequences that the reader of a header would decode (RFC 2047)."""
    return fit(f"[{_state(message)}] {message.title.replace('=?', '= ?')}", LONGEST_SUBJECT)


def _state(message: Message) -> str:
    return message.change.value if message.change in _ENDS else message.severity.value


def _plain_text(message: Message, answers: Sequence[tuple[str, str]]) -> str:
    facts = "\n".join(f"{name}: {text}" for name, text in _facts(message))
    parts = [
        fit(message.title, 1000),
        paragraph(message.text, _LONGEST_TEXT),
        facts,
        *(f"{label}: {link}" for label, link in answers),
        *_links(message),
        _footer(message),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(message: Message, answers: Sequence[tuple[str, str]]) -> str:
    lines = paragraph(message.text, _LONGEST_TEXT).splitlines()
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0;font-weight:600">{escape(name)}</th>'
        f'<td style="padding:2px 0">{escape(text)}</td></tr>'
        for name, text in _facts(message)
    )
    links = [(link, label) for label, link in answers]
    links += [(web(message.url), "See and acknowledge the incident"), (web(message.runbook), "Runbook")]
    return _HTML.format(
        colour=_ENDED.get(message.change) or _COLOURS[message.severity],
        state=escape(_state(message).capitalize()),
        title=escape(fit(message.title, 1000)),
        paragraphs="\n".join(f'<p style="margin:0 0 8px">{escape(line)}</p>' for line in lines),
        facts=f'<table style="border-collapse:collapse;margin:12px 0">{rows}</table>' if rows else "",
        links="\n".join(f'<p style="margin:8px 0"><a href="{escape(to)}">{text}</a></p>' for to, text in links if to),
        footer=escape(_footer(message)),
    )


def _facts(message: Message) -> list[tuple[str, str]]:
    rows = ((fit(fact.name, 200), fit(fact.text, _LONGEST_FACT)) for fact in message.facts[:_MOST_FACTS])
    return [(name, text) for name, text in rows if text]


def _links(message: Message) -> list[str]:
    runbook = web(message.runbook) or fit(message.runbook, 1000)
    links = (("The incident", web(message.url)), ("Runbook", runbook))
    return [f"{name}: {there}" for name, there in links if there]


def _footer(message: Message) -> str:
    missed = "earlier messages about it were not sent here" if message.missed else ""
    parts = (message.category, message.target, instant(message.at), message.incident_id, missed)
    return " · ".join(shown for part in parts if (shown := fit(part, 300)))
