"""Which alert rules a deployment needs: those that miss a function's heartbeat only where the settings schedule its job.

Each heartbeat is missed also where it has never been, so that a rule about a job which nobody asked for would fire for ever.
Terraform leaves the same rules out (`infra/terraform/alerts.tf`).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

_HEARTBEAT = re.compile(r'aia_heartbeat_timestamp_seconds\{function="(\w+)"')


def scheduled(groups: Iterable[Mapping[str, Any]], jobs: Collection[str]) -> list[dict[str, Any]]:
    """The groups of a rule file without the rules that miss the heartbeat of another job than these, and without empty groups.

    >>> late = {"alert": "Late", "expr": 'time() - aia_heartbeat_timestamp_seconds{function="bi_rollup"} > 900'}
    >>> scheduled([{"name": "system", "rules": [late, {"alert": "Always", "expr": "vector(1)"}]}], ["drift_score"])
    [{'name': 'system', 'rules': [{'alert': 'Always', 'expr': 'vector(1)'}]}]
    >>> scheduled([{"name": "system", "rules": [late]}], ["drift_score"])
    []
    """
    kept = (
        dict(group) | {"rules": [rule for rule in group["rules"] if set(_HEARTBEAT.findall(rule["expr"])) <= set(jobs)]}
        for group in groups
    )
    return [group for group in kept if group["rules"]]
