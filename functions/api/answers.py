"""Answers to surveys: uploaded as JSON, and published as rows of a table. `survey.py` takes those of the page of a question."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from core.errors import Fault
from core.settings.people import STAKEHOLDERS
from core.surveys import SCORES
from functions.adapters.ports import Clock, Data, RowBus
from functions.api.body import BodyError, mapping
from functions.api.request import Request

TOPIC, TABLE = "telemetry", "answers"
MOST = 1000
"""Answers of one request: as many as the bus takes at once."""
LARGEST = 2_000_000
"""Bytes of a body."""
LONGEST_COMMENT = 2000
"""Characters."""
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
"""How far clocks may differ."""
_SHOWN = 80


class _Answer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    answered_at: Annotated[datetime, msgspec.Meta(tz=True)]
    stakeholder: str
    question: str
    score: int
    respondent: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32,64}$")]
    comment: Annotated[str, msgspec.Meta(max_length=LONGEST_COMMENT)] | None = None
    asked_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Publishes answers.

    Attributes:
        bus: opens the bus at its first use.
        clock: now.
    """

    bus: Callable[[], RowBus]
    clock: Clock

    def upload(self, request: Request) -> int:
        """Publish all answers of a request, or none of them where one is not valid.

        Returns:
            Their number.

        Raises:
            BodyError: some are not valid; the error names each by its place.
            UnavailableError: the bus does not accept them. Sent again, each counts once.
        """
        answers = self._decoded(mapping(request, LARGEST).get("answers"))
        self.publish([_row(answer) for answer in answers])
        return len(answers)

    def publish(self, rows: Sequence[Data]) -> None:
        """Publish rows of the table; `UnavailableError` when the bus does not accept them."""
        self.bus().publish_rows(TOPIC, rows, table=TABLE)

    def _decoded(self, given: object) -> list[_Answer]:
        if not isinstance(given, list) or not 1 <= len(given) <= MOST:
            number = len(given) if isinstance(given, list) else repr(given)[:_SHOWN]
            raise BodyError([Fault("answers", f"must be a list of 1 to {MOST} answers", number)])
        found, faults = [], []
        for place, item in enumerate(given):
            try:
                answer = msgspec.convert(item, _Answer)
            except (msgspec.ValidationError, RecursionError) as error:
                faults.append(Fault(f"answers[{place}]", f"must be an answer ({error})", repr(item)[:_SHOWN]))
                continue
            found.append(answer)
            faults += (Fault(f"answers[{place}].{name}", *fault) for name, *fault in self._faults(answer))
        if faults:
            raise BodyError(faults)
        return found

    def _faults(self, answer: _Answer) -> Iterator[tuple[str, str, Any]]:
        if answer.stakeholder not in STAKEHOLDERS:
            yield "stakeholder", f"must be one of {', '.join(STAKEHOLDERS)}", answer.stakeholder[:_SHOWN]
        if answer.question not in SCORES:
            yield "question", f"must be one of {', '.join(SCORES)}", answer.question[:_SHOWN]
            return
        low, high = SCORES[answer.question]
        if not low <= answer.score <= high:
            yield "score", f"must be {low} to {high} for {answer.question}", answer.score
        for name, at in (("answered_at", answer.answered_at), ("asked_at", answer.asked_at)):
            if at and at > self.clock() + _AHEAD:
                yield name, "must not be in the future", at.isoformat()
            elif at and at < _EARLIEST:
                yield name, f"must not be before {_EARLIEST:%Y}", at.isoformat()


def answer_id(respondent: str, stakeholder: str, question: str, answered_at: datetime) -> str:
    """The id of an answer: the same for the same person, question and instant, so that a second delivery counts once."""
    text = f"{respondent}\n{stakeholder}\n{question}\n{answered_at.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _row(answer: _Answer) -> Data:
    return {
        "answer_id": answer_id(answer.respondent, answer.stakeholder, answer.question, answer.answered_at),
        "asked_at": answer.asked_at,
        "answered_at": answer.answered_at,
        "stakeholder": answer.stakeholder,
        "question": answer.question,
        "score": answer.score,
        "comment": answer.comment or None,
        "respondent": answer.respondent,
    }
