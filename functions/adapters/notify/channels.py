"""Which channels there are: the settings' channels by kind."""

from collections.abc import Iterable

from core.settings.types import Channel as Setting
from core.settings.types import ConsoleChannel, WebhookChannel
from functions.adapters.notify.console import Console
from functions.adapters.notify.port import Channel
from functions.adapters.notify.webhook import Webhook
from functions.adapters.ports import Clock


def open_channels(settings: Iterable[Setting], clock: Clock) -> dict[str, Channel]:
    """The channels of the settings, by name; nothing is connected yet."""
    return {setting.name: _open(setting, clock) for setting in settings}


def _open(setting: Setting, clock: Clock) -> Channel:
    match setting:
        case ConsoleChannel():
            return Console()
        case WebhookChannel(name=name, url=url):
            return Webhook(name, url, clock)
