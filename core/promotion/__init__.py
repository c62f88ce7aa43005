"""How a challenger takes the place of the champion: compared, approved, promoted in steps that are watched, or rolled back."""

from core.promotion.machine import (
    Entrant,
    Transition,
    begin,
    decided,
    overtaken,
    promoted_by_person,
    rolled_back_by_person,
    watched,
)
from core.promotion.state import PromotionStage, PromotionState, Split, holders, in_place
from core.promotion.traffic import TrafficMove

__all__ = [
    "Entrant",
    "PromotionStage",
    "PromotionState",
    "Split",
    "TrafficMove",
    "Transition",
    "begin",
    "decided",
    "holders",
    "in_place",
    "overtaken",
    "promoted_by_person",
    "rolled_back_by_person",
    "watched",
]
