"""The links of a mail by which a person answers, and who follows them."""

import re
from urllib.parse import urlencode

import flask

from functions.adapters.answer_links import AnswerLinks
from tests.support.builders.letters import MESSAGE
from tests.support.fakes.command_intake import (
    LINKS,
    SETTINGS,
    Intake,
)


def links(intake: Intake, address: str = "ada@example.com", secret: str = LINKS) -> dict[str, str]:
    """The paths of the links of a mail, by their labels."""
    made = AnswerLinks(SETTINGS.accounts, secret, "https://answers.example.com/", lambda: intake.world.now)
    return {label: url.removeprefix("https://answers.example.com") for label, url in made(address, MESSAGE)}


def press(intake: Intake, path: str) -> flask.Response:
    """The button of the page behind a link."""
    page = intake.send(path, method="GET").get_data(as_text=True)
    (token,) = re.findall(r'name="token" value="([^"]+)"', page)
    return intake.send(
        "/answer", urlencode({"token": token}).encode(), Content_Type="application/x-www-form-urlencoded"
    )


def post_token(intake: Intake, token: str) -> flask.Response:
    body = urlencode({"token": token}).encode()
    return intake.send("/answer", body, Content_Type="application/x-www-form-urlencoded")
