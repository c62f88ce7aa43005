"""The flights of 2013 as the log of a model in production that ends now, and the orders of a shop beside it."""

from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History, Span
from infra.local.replay.orders import ORDERS, Orders
from infra.local.replay.publish import publish
from infra.local.replay.reference import load_orders, load_reference
from infra.local.replay.replay import Marker, Replay

__all__ = [
    "FLIGHTS",
    "ORDERS",
    "History",
    "Marker",
    "Orders",
    "Replay",
    "Span",
    "load_orders",
    "load_reference",
    "publish",
]
