"""Versions of models: what they are, which one is in use, and how two of them differ."""

from core.versions.alias import AliasChange, AliasName
from core.versions.difference import Difference, MetricDifference, Pair, diff
from core.versions.version import Metric, Version

__all__ = ["AliasChange", "AliasName", "Difference", "Metric", "MetricDifference", "Pair", "Version", "diff"]
