"""The words of a report: the kinds of device, and what is seen on them."""

from typing import Literal, get_args

Device = Literal["desktop", "mobile", "tablet"]
Kind = Literal["frame", "load", "request", "view"]
"""A frame that was drawn, a page that was loaded, a request that was answered or failed, and that somebody is there."""

DEVICES: tuple[str, ...] = get_args(Device)
KINDS: tuple[str, ...] = get_args(Kind)
