"""The settings of who answers from where: what they may say, and that no fault shows a secret."""

from typing import Any

import pytest

from core.settings import Account, CommandIntake, MailLinks, PagerdutyWebhooks, Settings, SlackApp, parse
from tests.support.builders.settings import faults

SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2"
ADA = {"slack": "U0123456789", "pagerduty": "PXYZ123", "email": "ada@example.com"}
INTAKE = {"slack": {"signing_secret": SECRET}, "pagerduty": {"secrets": [SECRET]}, "links": {"secret": SECRET}}


def raw(accounts: Any = None, intake: Any = None) -> dict[str, Any]:
    given = {"accounts": accounts, "command_intake": intake}
    return {"version": 1, "jobs": {}} | {key: value for key, value in given.items() if value is not None}


def test_people_and_what_they_answer_from_are_read_whole() -> None:
    settings = parse(raw({"Ada Lovelace": ADA, "Grace": {}}, INTAKE))
    assert settings.accounts == {
        "Ada Lovelace": Account(name="Ada Lovelace", slack="U0123456789", pagerduty="PXYZ123", email="ada@example.com"),
        "Grace": Account(name="Grace"),
    }
    assert settings.command_intake == CommandIntake(
        slack=SlackApp(signing_secret=SECRET),
        pagerduty=PagerdutyWebhooks(secrets=(SECRET,)),
        links=MailLinks(secret=SECRET),
    )
    assert "hunter2" not in repr(settings.command_intake)


def test_without_them_nobody_answers_from_anywhere() -> None:
    settings = parse(raw())
    assert (settings.accounts, settings.command_intake) == ({}, CommandIntake())
    assert settings == Settings(jobs={})


@pytest.mark.parametrize(
    ("accounts", "intake", "fault"),
    [
        (
            {"Ada": {"slack": "ada"}},
            None,
            "accounts.Ada.slack: must be a member's id in Slack, as in 'U0123456789', got 'ada'",
        ),
        (
            {"Ada": {"pagerduty": "p"}},
            None,
            "accounts.Ada.pagerduty: must be a user's id in PagerDuty, as in 'PXYZ123', got 'p'",
        ),
        (
            {"Ada": {"email": "ada"}},
            None,
            "accounts.Ada.email: must be an e-mail address, as in 'on-call@example.com', got 'ada'",
        ),
        ({" ": {}}, None, "accounts. : must be a name of at most 80 characters, got ' '"),
        (
            {"Ada": ADA, "Eve": {"slack": "U0123456789"}},
            None,
            "accounts.Eve.slack: must not be that of another person ('Ada'), got 'U0123456789'",
        ),
        (
            {"Ada": ADA, "Eve": {"email": "ADA@example.com"}},
            None,
            "accounts.Eve.email: must not be that of another person ('Ada'), got 'ada@example.com'",
        ),
        (None, INTAKE, "accounts: must be given where command_intake is, got None"),
        (
            {"Ada": ADA},
            {"links": {"secret": "hunter2"}},
            "command_intake.links.secret: must be of at least 32 characters, got 'a hidden value'",
        ),
        ({"Ada": ADA}, {"slack": {}}, "command_intake.slack.signing_secret: must be given, got None"),
        (
            {"Ada": ADA},
            {"pagerduty": {"secrets": []}},
            "command_intake.pagerduty.secrets: must be a list of at least 1, got 'a list of 0'",
        ),
        (
            {"Ada": ADA},
            {"pagerduty": {"secrets": ["hunter2", "hunter2"]}},
            "command_intake.pagerduty.secrets[1]: must be named once, got 'a hidden value'",
        ),
        ({"Ada": ADA}, {"slak": {}}, "command_intake.slak: must be a known key (perhaps 'slack'), got 'slak'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(accounts: Any, intake: Any, fault: str) -> None:
    assert faults(raw(accounts, intake)) == [fault]
