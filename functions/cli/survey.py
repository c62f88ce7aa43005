"""`aia survey`: uploads answers by the API, and makes the links by which people answer one question."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import click

from core.settings.people import STAKEHOLDERS
from core.surveys import SCORES
from functions.adapters.signed_tokens import sign
from functions.adapters.survey_links import LONGEST_SUBJECT, SurveyLink, respondent_hash
from functions.cli import options
from functions.cli.api import HELP, Json, RefusedError
from functions.cli.client import Client

_BATCH: Final = 500
_SECRET_LENGTH: Final = 32
_COLUMNS: Final = ("answered_at", "stakeholder", "question", "score", "respondent", "comment", "asked_at")
Group = Literal["executive", "technical", "operations", "business"]
Question = Literal["nps", "csat"]


@click.group(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.option(
    "--secret",
    envvar="AIA_SURVEY_SECRET",
    show_envvar=True,
    default="",
    help="The value of `surveys.secret` in the settings.",
)
@click.pass_context
def survey(context: click.Context, *, url: str, secret: str) -> None:
    """Upload answers to surveys, and make links to a question."""
    context.obj = (url, secret)


@survey.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def upload(access: tuple[str, str], *, file: Path) -> None:
    """Upload the answers of FILE: CSV with a header, or JSON lines, with the same names.

    The names are answered_at, stakeholder, question, score and respondent, and perhaps comment and asked_at. The respondent, such as an address,
    is hashed here and never sent. A file that is uploaded again counts once.
    """
    url, secret = _checked(access)
    answers = [_hashed(file, place, row, secret) for place, row in _rows(file)]
    if not answers:
        raise RefusedError(f"{file}: must have at least one answer")
    accepted = 0
    for start in range(0, len(answers), _BATCH):
        try:
            accepted += Client(url).upload_answers({"answers": answers[start : start + _BATCH]})["accepted"]
        except RefusedError as error:
            raise RefusedError(f"{file}: {accepted} answers uploaded; from answer {start + 1} on: {error}") from error
    click.echo(f"{accepted} answers uploaded")


@survey.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--group", type=click.Choice(STAKEHOLDERS), required=True, help="The group of these people.")
@click.option(
    "--question", type=click.Choice(list(SCORES)), default="nps", show_default=True, help="What they are asked."
)
@click.option("--about", default="our ML platform", show_default=True, help="What the question is about.")
@click.option(
    "--days", type=click.IntRange(1, 365), default=30, show_default=True, help="How long the links are valid."
)
@click.pass_obj
def links(access: tuple[str, str], *, file: TextIO, group: Group, question: Question, about: str, days: int) -> None:
    """Print a link for each line of FILE, such as an address (- reads the standard input), as CSV.

    Whoever has a link answers as the person of its line: send each to that person only.
    """
    if not 1 <= len(about.strip()) <= LONGEST_SUBJECT:
        raise RefusedError(f"--about: must be 1 to {LONGEST_SUBJECT} characters, got {len(about)}")
    url, secret = _checked(access)
    now = datetime.now(UTC)
    expires_at = int((now + timedelta(days=days)).timestamp())
    output = io.StringIO()
    lines = csv.writer(output, lineterminator="\n")
    for person in dict.fromkeys(line.strip() for line in file if line.strip()):
        who = respondent_hash(person, secret)
        link = SurveyLink(
            stakeholder=group,
            question=question,
            about=about.strip(),
            respondent=who,
            asked_at=int(now.timestamp()),
            expires_at=expires_at,
        )
        lines.writerow((person, f"{url}/survey?token={sign(link, secret)}"))
    click.echo(output.getvalue(), nl=False)


def _checked(access: tuple[str, str]) -> tuple[str, str]:
    """The address and the secret; here, so that the help of a command needs no secret."""
    _, secret = access
    if len(secret) < _SECRET_LENGTH:
        raise RefusedError(f"--secret: must be of at least {_SECRET_LENGTH} characters, got {len(secret)}")
    return access


def _rows(file: Path) -> Iterator[tuple[int, Json]]:
    """The answers of a file with their lines."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"{file}: must be UTF-8 text: {error}") from error
    if text.lstrip().startswith("{"):
        yield from _json_lines(file, text)
        return
    reader = csv.DictReader(io.StringIO(text), strict=True)
    unknown = sorted(set(reader.fieldnames or ()) - set(_COLUMNS))
    if unknown:
        raise RefusedError(f"{file}: columns must be of {', '.join(_COLUMNS)}, got {', '.join(unknown)}")
    try:
        for row in reader:
            if None in row:
                raise RefusedError(
                    f"{file}:{reader.line_num}: must have {len(reader.fieldnames or ())} values, got more"
                )
            yield reader.line_num, {name: value for name, value in row.items() if value}
    except csv.Error as error:
        raise RefusedError(f"{file}:{reader.line_num}: must be CSV: {error}") from error


def _json_lines(file: Path, text: str) -> Iterator[tuple[int, Json]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise RefusedError(f"{file}:{number}: must be a JSON object: {error}") from error
            if not isinstance(row, dict):
                raise RefusedError(f"{file}:{number}: must be a JSON object, got {line[:80]!r}")
            yield number, row


def _hashed(file: Path, line: int, row: Json, secret: str) -> Json:
    """An answer as the API takes it."""
    who = str(row.get("respondent") or "").strip()
    if not who:
        raise RefusedError(f"{file}:{line}: respondent: must be given, got nothing")
    return row | {"respondent": respondent_hash(who, secret), "score": _score(file, line, row.get("score"))}


def _score(file: Path, line: int, given: Any) -> int:  # noqa: ANN401 - as it was read
    try:
        return int(str(given))
    except ValueError:
        raise RefusedError(f"{file}:{line}: score: must be a whole number, got {given!r}") from None
