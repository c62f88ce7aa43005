"""The class of an incident, from what was noticed."""

_CATEGORIES = {
    "drift": "drift",
    "performance": "model_quality",
    "accuracy": "model_quality",
    "calibration": "model_quality",
    "segment": "model_quality",
    "label": "model_quality",
    "freshness": "data_quality",
    "volume": "data_quality",
    "rows": "data_quality",
    "missing": "data_quality",
    "schema": "data_quality",
    "quality": "data_quality",
    "latency": "latency",
    "slow": "latency",
    "pipeline": "pipeline",
    "capacity": "capacity",
    "cost": "cost",
    "tls": "security",
    "certificate": "security",
    "health": "availability",
    "availability": "availability",
    "down": "availability",
    "probe": "availability",
}
OTHER = "platform"


def category(target: str, kind: str) -> str:
    """The category of a condition: by the words of its kind, else by the sort of its target.

    Args:
        target: as in `model/flight-delay`.
        kind: as in `drift`, or several words as in `feature_drift`.

    >>> category("model/flight-delay", "feature-drift"), category("probe/api", "http"), category("queue/x", "odd")
    ('drift', 'availability', 'platform')
    """
    for word in kind.lower().replace("-", "_").replace(".", "_").split("_"):
        if word in _CATEGORIES:
            return _CATEGORIES[word]
    return _CATEGORIES.get(target.partition("/")[0], OTHER)
