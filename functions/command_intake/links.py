"""The page behind a link of a mail: it shows what the link does, and a button that does it.

GET changes nothing, because mail scanners follow links; POST publishes the command, once for each link.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

import flask

from core.settings import Account
from core.text import clean
from functions.adapters.answer_links import Link
from functions.adapters.notify import chat
from functions.adapters.signed_tokens import PAGE_HEADERS, LinkError, verify
from functions.command_intake.commands import Commands
from functions.command_intake.reply import Outcome

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>{title}</title></head>
<body style="max-width:560px;margin:48px auto;padding:0 16px;font:16px/1.5 system-ui,sans-serif">
<h1 style="font-size:22px">{title}</h1>
<p>{text}</p>
{form}
</body></html>
"""
_FORM = """<form method="post" action="/answer"><input type="hidden" name="token" value="{token}">
<button style="font:inherit;padding:8px 20px">{label}</button></form>"""


@dataclass(frozen=True, slots=True)
class Links:
    """Takes answers by links.

    Attributes:
        secret: signed the links.
        accounts: the people, by name.
        commands: publishes.
    """

    secret: str
    accounts: Mapping[str, Account]
    commands: Commands

    def show(self, request: flask.Request, _: bytes) -> Outcome:
        """Show the page of a link.

        Raises:
            AiaError: the store does not answer.
        """
        token = request.args.get("token", "")
        return self._checked(token, lambda link, title: ("done", _ask(link, title, token)))

    def act(self, _: flask.Request, body: bytes) -> Outcome:
        """Do what a link says.

        Raises:
            AiaError: the store or the bus does not answer.
        """
        try:
            token = parse_qs(body.decode("ascii"), max_num_fields=10).get("token", [""])[0]
        except ValueError:
            token = ""
        return self._checked(token, self._do)

    def _checked(self, token: str, act: Callable[[Link, str], Outcome]) -> Outcome:
        """Act on a link that is valid, of somebody who is still there, about what is not over."""
        try:
            link = verify(token, self.secret, Link, self.commands.clock())
        except LinkError as fault:
            return "refused", _page("Not done", f"{fault} Answer on the page of the incident.", status=403)
        if link.person not in self.accounts:
            return "refused", _page("Not done", f"{link.person} is no longer among the people.", status=403)
        incident = self.commands.incident(link.incident_id) or {}
        title = clean(str(incident.get("title", "")))
        if reason := self.commands.why_not(link.incident_id, link.verb):
            return "done", _page(title or "Not done", reason)
        return act(link, title)

    def _do(self, link: Link, title: str) -> Outcome:
        now = self.commands.clock()
        delivery = f"link:{link.person}:{link.verb}:{link.incident_id}:{link.message}"
        done = self.commands.publish(delivery, verb=link.verb, incident_id=link.incident_id, by=link.person, at=now)
        text = f"{chat.LABELS[link.verb]}: taken, as {link.person}." if done else "This link was used before."
        return "done", _page(title, text)


def _ask(link: Link, title: str, token: str) -> flask.Response:
    return _page(
        title, f"You answer as {link.person}.", form=_FORM.format(token=escape(token), label=chat.LABELS[link.verb])
    )


def _page(title: str, text: str, *, form: str = "", status: int = 200) -> flask.Response:
    body = _PAGE.format(title=escape(title or "Incident"), text=escape(text), form=form)
    response = flask.Response(body, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers.update(PAGE_HEADERS)
    return response
