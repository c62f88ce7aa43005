"""Which channels there are: the settings' channels by kind, each kept to its rate.

What a kind needs is imported where it is used, so that each costs only those who have it.
"""

# ruff: noqa: PLC0415 - see above
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from core.settings.people import Channel as Setting
from core.settings.people import ConsoleChannel, EmailChannel, PagerdutyChannel, SlackChannel, WebhookChannel
from functions.adapters.notify.console import Console
from functions.adapters.notify.limited import Limited
from functions.adapters.notify.port import Channel
from functions.adapters.ports import Clock, Store

SLACK_GAP = timedelta(seconds=1.2)
"""Slack takes a message a second, as it receives them; on the way they may come closer together."""


def open_channels(settings: Iterable[Setting], clock: Clock, store: Store) -> dict[str, Channel]:
    """The channels of the settings, by name; nothing is connected yet.

    Args:
        settings: of the channels.
        clock: for what a receiver asks to wait, and for the rates.
        store: where the rates are counted, for all instances together.
    """
    return {setting.name: _open(setting, clock, store) for setting in settings}


def _open(setting: Setting, clock: Clock, store: Store) -> Channel:
    if isinstance(setting, ConsoleChannel):
        return Console()
    limited = partial(Limited, name=setting.name, store=store, clock=clock, per_minute=setting.per_minute)
    match setting:
        case WebhookChannel(name=name, url=url, secret=secret):
            from functions.adapters.notify.webhook import Webhook

            return limited(Webhook(name, url, clock, secret=secret))
        case PagerdutyChannel(name=name, key=key, url=url):
            from functions.adapters.notify.pagerduty import PagerDuty, calls

            return limited(PagerDuty(name, key, url, clock), calls=calls)
        case SlackChannel():
            from functions.adapters.notify.slack import SlackBot, SlackWebhook

            slack = SlackWebhook(setting.name, setting.url, clock) if setting.url else SlackBot(setting, clock)
            return limited(slack, gap=SLACK_GAP)
        case EmailChannel():
            from functions.adapters.notify.mail import Email

            return limited(Email(setting))
