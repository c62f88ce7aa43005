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


def topic_of(deployment: Mapping[str, Any], subscription: str, function: str) -> str:
    """The topic of a subscription; of what came without one, as a webhook does, that of the function, where it has one only.

    Empty where there is no such subscription any more.

    >>> deployment = {"functions": {"alert_intake": {"triggers": [{"topic": "alerts"}]}}}
    >>> topic_of(deployment, "alert-intake", "alert_intake"), topic_of(deployment, "", "alert_intake"), topic_of(deployment, "x", "")
    ('alerts', 'alerts', '')
    """
    known = list(subscriptions(deployment))
    if not subscription:
        topics = [trigger["topic"] for _, owner, trigger in known if owner == function]
        return topics[0] if len(topics) == 1 else ""
    return next((trigger["topic"] for name, _, trigger in known if name == subscription), "")


def claim_key(identifier: str) -> str:
    """The key under which a dead letter is sent again: once."""
    return f"dead-letter:{identifier}"
