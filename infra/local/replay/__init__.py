"""The flights of 2013, replayed as the log of a model in production that ends now."""

from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History, Message, Span
from infra.local.replay.publish import publish
from infra.local.replay.reference import load_reference
from infra.local.replay.replay import Marker, Replay

__all__ = ["FLIGHTS", "History", "Marker", "Message", "Replay", "Span", "load_reference", "publish"]
