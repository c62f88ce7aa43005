"""The channels of the settings, each opened by the module of its kind and kept to its rate."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, cast

from core.settings import Channel as Setting
from functions.adapters.notify.limited import Limited
from functions.adapters.notify.port import Channel, ChannelKind
from functions.adapters.ports import Clock, Store


def open_channels(settings: Iterable[Setting], clock: Clock, store: Store) -> dict[str, Channel]:
    """The channels of the settings, by name; nothing is connected yet.

    Args:
        settings: of the channels.
        clock: for what a receiver asks to wait, and for the rates.
        store: where the rates are counted, for all instances together.
    """
    return {setting.name: _open(setting, clock, store) for setting in settings}


def kind_of(setting: Setting) -> ChannelKind[Any]:
    """What the channels of its kind are; the module is imported now, so that a kind costs only those who have it."""
    return cast("ChannelKind[Any]", import_module(f"functions.adapters.notify.{setting.kind}").KIND)


def _open(setting: Setting, clock: Clock, store: Store) -> Channel:
    kind = kind_of(setting)
    channel = kind.open(setting, clock, kind.seconds)
    if not setting.per_minute:
        return channel
    return Limited(
        channel,
        name=setting.name,
        store=store,
        clock=clock,
        per_minute=setting.per_minute,
        gap=kind.gap,
        calls=kind.calls,
    )
