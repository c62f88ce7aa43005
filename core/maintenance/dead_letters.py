"""Dead letters: messages that a function could not handle, and where they came from."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

SENT_WITHIN = timedelta(days=30)
"""Age up to which a dead letter may be sent again: less than a claim is kept, so that it is sent once."""


def subscriptions(deployment: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The push subscriptions of a deployment (`infra/functions.yaml`): name, function and trigger of each.

    >>> triggers = [{"topic": "ticks"}, {"topic": "commands"}]
    >>> [name for name, _, _ in subscriptions({"functions": {"bi_rollup": {"triggers": triggers}}})]
    ['bi-rollup', 'bi-rollup-commands']
    """
    for function, settings in deployment["functions"].items():
        name = function.replace("_", "-")
        for index, trigger in enumerate(settings["triggers"]):
            yield (f"{name}-{trigger['topic']}" if index else name), function, trigger


def topic_of(deployment: Mapping[str, Any], subscription: str) -> str:
    """The topic of a subscription; empty where there is no such subscription any more."""
    return next((trigger["topic"] for name, _, trigger in subscriptions(deployment) if name == subscription), "")


def claim_key(identifier: str) -> str:
    """The key under which a dead letter is sent again: once."""
    return f"dead-letter:{identifier}"
