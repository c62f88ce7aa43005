"""The night of the guide to `aia replay`: a model drifts at two, and recovers; with the settings before and after."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from core.events import Severity, Status
from core.incidents.policy import incident_policy
from functions.services.replay.settings import read
from tests.support.fakes.outside import FINDING, MemoryChannel, Setup, set_up

GUIDE = Path(__file__).parents[3] / "docs" / "replay.md"
[OLD] = re.findall(r"<!-- old -->\n\n```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
NEW = OLD.replace("wait: 5m", "wait: 30m")
NIGHT = datetime(2026, 1, 6, 2, tzinfo=UTC)


def night(*, drifts: int, after: int) -> Setup:
    """What was decided with the settings before.

    Args:
        drifts: minutes until the model recovers, with a sweep each.
        after: sweeps afterwards, one a minute.
    """
    settings, _ = read(yaml.safe_load(OLD))
    setup = set_up(policy=incident_policy(settings, ""))
    for name in ("technical", "ada-phone"):
        setup.service.dispatcher.channels[name] = MemoryChannel(setup.world)
    setup.world.now = NIGHT
    finding = replace(FINDING, severity=Severity.ERROR, observed_at=NIGHT)
    setup.give(finding)
    for _ in range(drifts):
        setup.sweep(minutes=1)
    setup.give(replace(finding, status=Status.RESOLVED, observed_at=setup.world.now))
    for _ in range(after):
        setup.sweep(minutes=1)
    return setup
