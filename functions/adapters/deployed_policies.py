"""Alert policies as Cloud Monitoring and the record of the deployment write them.

https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies
"""

from typing import Annotated

import msgspec

from core.maintenance.alert_policies import AlertPolicy, PolicyCondition

LABEL, LABEL_VALUE = "system", "aia"
"""The label of this system's own policies."""
Duration = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?s$")]


class _Aggregation(msgspec.Struct, rename="camel"):
    alignment_period: str = ""
    per_series_aligner: str = ""
    cross_series_reducer: str = ""
    group_by_fields: tuple[str, ...] = ()

    def text(self) -> str:
        parts = (self.alignment_period, self.per_series_aligner, self.cross_series_reducer, *self.group_by_fields)
        return " ".join(part for part in parts if part and not part.endswith("_NONE"))


class _Threshold(msgspec.Struct, rename="camel"):
    filter: str
    comparison: str = ""
    threshold_value: float = 0.0
    duration: Duration = "0s"
    aggregations: tuple[_Aggregation, ...] = ()


class _Query(msgspec.Struct, rename="camel"):
    query: str
    duration: Duration = "0s"
    evaluation_interval: Duration = "0s"


class _Condition(msgspec.Struct, rename="camel"):
    display_name: str = ""
    condition_prometheus_query_language: _Query | None = None
    condition_threshold: _Threshold | None = None

    def condition(self) -> PolicyCondition:
        if one := self.condition_prometheus_query_language:
            return PolicyCondition(
                title=self.display_name,
                expression=one.query,
                duration=_seconds(one.duration),
                interval=_seconds(one.evaluation_interval),
            )
        if limit := self.condition_threshold:
            return PolicyCondition(
                title=self.display_name,
                expression=limit.filter,
                duration=_seconds(limit.duration),
                comparison=limit.comparison,
                threshold=limit.threshold_value,
                aggregation=", ".join(one.text() for one in limit.aggregations),
            )
        return PolicyCondition(title=self.display_name, expression="of another kind", duration=0.0)


class PolicyDocument(msgspec.Struct, rename="camel"):
    """An alert policy."""

    name: str
    display_name: str = ""
    enabled: bool = True
    severity: str = ""
    combiner: str = ""
    user_labels: dict[str, str] = {}
    notification_channels: tuple[str, ...] = ()
    conditions: tuple[_Condition, ...] = ()

    def policy(self) -> AlertPolicy:
        """The policy."""
        return AlertPolicy(
            id=last(self.name),
            title=self.display_name,
            enabled=self.enabled,
            severity=self.severity,
            combiner=self.combiner,
            channels=frozenset(map(last, self.notification_channels)),
            conditions=tuple(one.condition() for one in self.conditions),
            is_ours=self.user_labels.get(LABEL) == LABEL_VALUE,
        )


def last(name: str) -> str:
    """The last part of a resource's name: the project before it may be an id or a number."""
    return name.rpartition("/")[2]


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))
