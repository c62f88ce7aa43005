"""The document of a model's promotion: its state, and the changes of aliases that are not written everywhere yet."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from core.promotion import PromotionState, TrafficMove
from core.versions import AliasChange
from functions.adapters.ports import Data, Document

COLLECTION = "promotions"
"""By the name of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is remembered of a model.

    Attributes:
        state: of the newest promotion, or None.
        unsent: changes of aliases, oldest first, that the table or a registry may not have.
        move: of the endpoint's traffic, that may not be made yet; the changes follow it.
        waits: why the next step, or the move, cannot be made; empty where nothing keeps it.
    """

    state: PromotionState | None = None
    unsent: tuple[AliasChange, ...] = ()
    move: TrafficMove | None = None
    waits: str = ""


def read_record(document: Document | None) -> Record:
    """The record in a document; an empty one where there is none."""
    return msgspec.convert(document.data if document else {}, Record, builtin_types=(datetime,))


def record_data(record: Record) -> Data:
    """The fields of a document."""
    data: Data = msgspec.to_builtins(record, builtin_types=(datetime,))
    return data
