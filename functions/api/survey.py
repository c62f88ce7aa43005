"""The page of one question: GET shows it, and a click on a score is the answer (POST).

GET changes nothing, because mail scanners follow links. A second answer takes the place of the first. The page works without scripts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from starlette.responses import Response

from core.errors import UnavailableError
from core.surveys import SCORES
from functions.adapters.ports import Clock, Data
from functions.adapters.signed_tokens import PAGE_HEADERS, LinkError, verify
from functions.adapters.survey_links import SurveyLink
from functions.api import reply
from functions.api.answers import LONGEST_COMMENT, answer_id
from functions.api.request import Request

POLICY = reply.POLICY.replace("form-action 'none'", "form-action 'self'")
_LARGEST = 40_000
"""Bytes of a form: the longest comment has 24,000, if each character is an emoji."""
_PAGE = Template((Path(__file__).parent / "survey.html").read_text(encoding="utf-8"))
_TITLES = {
    "nps": "How likely is it that you would recommend {about} to a colleague?",
    "csat": "How satisfied are you with {about}?",
}
_ENDS = {"nps": ("0: not at all likely", "10: extremely likely"), "csat": ("1: very dissatisfied", "5: very satisfied")}
_SCORES = Template("""<form method="post" action="/survey" class="scores">
<input type="hidden" name="token" value="$token">
$buttons
</form>
<p class="ends soft"><span>$low</span><span>$high</span></p>""")
_COMMENT = Template("""<form method="post" action="/survey">
<input type="hidden" name="token" value="$token"><input type="hidden" name="score" value="$score">
<label for="comment">What is the main reason? Your answer is saved; this is optional.</label>
<textarea id="comment" name="comment" maxlength="$most">$comment</textarea>
<button class="send">Add the comment</button>
</form>""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Serves the page.

    Attributes:
        secret: signed the links; without it no link is valid.
        publish: publishes rows of the table of answers.
        clock: now.
    """

    secret: str | None
    publish: Callable[[list[Data]], None]
    clock: Clock

    def show(self, request: Request) -> Response:
        """The question of a link."""
        token = request.args.get("token", "")
        return self._of_link(token, lambda link: _page(_title(link), _scores(link, token)))

    def answer(self, request: Request) -> Response:
        """Take the score that was clicked, and perhaps a comment."""
        form = _form(request)
        token = form.get("token", "")
        return self._of_link(token, lambda link: self._take(link, token, form))

    def _of_link(self, token: str, respond: Callable[[SurveyLink], Response]) -> Response:
        if self.secret is None:
            return _refusal("This system does not ask questions by links.", HTTPStatus.NOT_FOUND)
        try:
            link = verify(token, self.secret, SurveyLink, self.clock())
        except LinkError as fault:
            return _refusal(f"{fault} Ask who sent it for a new one.", HTTPStatus.FORBIDDEN)
        return respond(link)

    def _take(self, link: SurveyLink, token: str, form: dict[str, str]) -> Response:
        low, high = SCORES[link.question]
        given, comment = form.get("score", ""), form.get("comment", "").strip()
        allowed = [str(score) for score in range(low, high + 1)]
        if given not in allowed or len(comment) > LONGEST_COMMENT:
            text = f"Nothing was saved: choose {low} to {high}, with a comment of at most {LONGEST_COMMENT} characters."
            return _page(_title(link), _text(text) + _scores(link, token), HTTPStatus.BAD_REQUEST)
        try:
            self.publish([_row(link, int(given), comment, self.clock())])
        except UnavailableError:
            text = "Your answer could not be saved. Choose again in a minute."
            return _page(_title(link), _text(text) + _scores(link, token), HTTPStatus.SERVICE_UNAVAILABLE)
        thanks = f"Thank you. Your answer is {given}. To change it, choose again."
        if comment:
            return _page(_title(link), _text(f"{thanks} Your comment is saved.") + _scores(link, token, given))
        more = _COMMENT.substitute(token=escape(token), score=given, most=LONGEST_COMMENT, comment="")
        return _page(_title(link), _text(thanks) + _scores(link, token, given) + more)


def _form(request: Request) -> dict[str, str]:
    body = request.body if len(request.body) <= _LARGEST else b""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        fields = {}
    return {name: values[0] for name, values in fields.items()}


def _row(link: SurveyLink, score: int, comment: str, now: datetime) -> Data:
    return {
        "answer_id": answer_id(link.respondent, link.stakeholder, link.question, now),
        "asked_at": datetime.fromtimestamp(link.asked_at, UTC),
        "answered_at": now,
        "stakeholder": link.stakeholder,
        "question": link.question,
        "score": score,
        "comment": comment or None,
        "respondent": link.respondent,
    }


def _title(link: SurveyLink) -> str:
    return _TITLES[link.question].format(about=link.about)


def _scores(link: SurveyLink, token: str, chosen: str = "") -> str:
    low, high = SCORES[link.question]
    buttons = "\n".join(
        f'<button name="score" value="{score}"{" aria-current=true" if str(score) == chosen else ""}>{score}</button>'
        for score in range(low, high + 1)
    )
    ends = _ENDS[link.question]
    return _SCORES.substitute(token=escape(token), buttons=buttons, low=ends[0], high=ends[1])


def _text(text: str) -> str:
    return f'<p role="status">{escape(text)}</p>'


def _refusal(text: str, status: HTTPStatus) -> Response:
    return _page("No question", _text(text), status)


def _page(title: str, body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    text = _PAGE.substitute(title=escape(title), body=body)
    response = Response(text, status, media_type="text/html")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers.update(PAGE_HEADERS)
    return response
