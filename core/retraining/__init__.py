"""Retraining: when a model is asked to be trained again, and what is remembered so that it is asked once."""

from core.retraining.policy import Decision, Reason, decide
from core.retraining.request import Span, request, training_span
from core.retraining.state import State, asked, published

__all__ = [
    "Decision",
    "Reason",
    "Span",
    "State",
    "asked",
    "decide",
    "published",
    "request",
    "training_span",
]
