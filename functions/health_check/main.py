"""Runs the probes that are due every minute, looks for alert rules without data, and publishes what changed."""

from collections.abc import Mapping, Sequence
from functools import partial

from functions.adapters.probes.sources import Sources
from functions.health_check.check import NAME, Outside, check
from functions.health_check.rules import RULES, RuleCheck
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports
from functions.services.alert_rules import alert_rules


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""

    def ask(query: str, at: int) -> Sequence[Mapping[str, str]]:
        return [series.labels for series in ports.prometheus.instant(query, at=at)]

    outside = Outside(
        probes=ports.settings.probes,
        maintenance=ports.settings.maintenance,
        sources=Sources(
            query=lambda sql, **parameters: ports.warehouse.query(sql, **parameters),  # noqa: PLW0108 - opened by the first query
            instant=lambda query, at: ports.prometheus.instant(query, at=at),
            clock=ports.clock,
        ),
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        rules=RuleCheck(settings=ports.settings.alert_rules, rules=partial(alert_rules, RULES), ask=ask),
    )
    return on_tick(ports, partial(check, outside=outside))


main = serve(NAME, build)
