"""The sections `accounts` and `command_intake`: who people are elsewhere, and what may answer in their name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core.errors import Fault
from core.settings.channels import Secret
from core.settings.declare import Faults
from core.settings.network import Mailbox
from core.settings.notes import Items, Mark, Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person, and who that is in Slack, in PagerDuty and by mail."""

    name: Annotated[str, Mark.FROM_KEY]
    slack: Annotated[str, Pattern(r"[UW][A-Z0-9]{2,30}", "must be a member's id in Slack, as in 'U0123456789'")] = ""
    """Id of the member in Slack, as in `U0123456789`."""
    pagerduty: Annotated[str, Pattern(r"[A-Z0-9]{3,30}", "must be a user's id in PagerDuty, as in 'PXYZ123'")] = ""
    """Id of the user in PagerDuty, as in `PXYZ123`."""
    email: Mailbox = ""
    """Mailbox; messages to it have links to answer with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackApp:
    """Buttons of Slack messages."""

    signing_secret: Secret = field(repr=False)
    """Signing secret of the app; its bots' messages then have buttons that answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerdutyWebhooks:
    """Webhooks of PagerDuty (v3)."""

    secrets: Annotated[tuple[Secret, ...], Items(at_least=1, unique=True)] = field(repr=False)
    """Secrets of the webhook subscriptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLinks:
    """Links in mails."""

    secret: Annotated[Secret, Pattern(r".{32,}", "must be of at least 32 characters")] = field(repr=False)
    """Key to sign the links with, at least 32 random characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandIntake:
    """From where people may answer besides the page."""

    slack: SlackApp | None = None
    """Buttons of Slack messages."""
    pagerduty: PagerdutyWebhooks | None = None
    """Webhooks of PagerDuty (v3)."""
    links: MailLinks | None = None
    """Links in mails."""


def shared(accounts: Mapping[str, Account | None]) -> Faults:
    """Accounts that two people have: nobody could say who answered."""
    taken: dict[tuple[str, str], str] = {}
    for name, account in accounts.items():
        for key, given in _ids(account):
            if (key, given) in taken:
                yield Fault(f"{name}.{key}", f"must not be that of another person ({taken[key, given]!r})", given)
            taken.setdefault((key, given), name)


def _ids(account: Account | None) -> Iterator[tuple[str, str]]:
    if account is None:
        return
    for key, given in (("slack", account.slack), ("pagerduty", account.pagerduty), ("email", account.email.lower())):
        if given:
            yield key, given
