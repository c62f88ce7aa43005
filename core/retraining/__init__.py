"""Retraining: when a model is asked to be trained again, and what is remembered so that it is asked once."""

from core.retraining.policy import Decision, Reason, decide
from core.retraining.request import Span, missing_labels, request, training_span
from core.retraining.state import State, asked, published, refused

__all__ = [
    "Decision",
    "Reason",
    "Span",
    "State",
    "asked",
    "decide",
    "missing_labels",
    "published",
    "refused",
    "request",
    "training_span",
]
