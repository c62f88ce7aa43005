"""How far back a PromQL expression reads, and how often Cloud Monitoring may evaluate it for that."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from core.promql import evaluation_interval, lookback
from functions.health_check.rules import RULES
from functions.services.alert_rules import alert_rules

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"
HOUR, DAY, SOON = timedelta(hours=1), timedelta(days=1), timedelta(seconds=30)
CLASSES = {"up to 8 days": timedelta(minutes=5), "8 to 16 days": HOUR, "16 to 32 days": 2 * HOUR}


@pytest.mark.parametrize(
    ("expr", "back"),
    [
        ("up", timedelta(0)),
        ("up offset 3d", 3 * DAY),
        ('rate(x{a="[9d] offset 1w"}[5m])', timedelta(minutes=5)),
        ("rate(x[1h] offset 2w) > rate(x[3d])", 14 * DAY + HOUR),
        ("max_over_time(rate(x[5m] offset 1d)[7d:1h])", 8 * DAY + timedelta(minutes=5)),
        ("rate(x[1h30m])", 1.5 * HOUR),
    ],
)
def test_a_lookback_has_its_offset_and_its_subquery(expr: str, back: timedelta) -> None:
    assert lookback(expr) == back


@pytest.mark.parametrize(
    ("back", "seconds"),
    [
        ("24h", 30),
        ("24h59m", 30),
        ("25h", 300),
        ("191h", 300),
        ("8d", 3600),
        ("15d", 3600),
        ("16d", 7200),
        ("31d", 7200),
    ],
)
def test_a_longer_lookback_is_evaluated_more_seldom(back: str, seconds: int) -> None:
    assert evaluation_interval(f"x[{back}]", SOON) == timedelta(seconds=seconds)
    assert evaluation_interval(f"x[{back}]", DAY) == DAY, "a group may ask for less"


def test_what_no_policy_can_look_back_to_is_refused() -> None:
    with pytest.raises(ValueError, match="lookback: must be less than 32 days, got 32 days"):
        evaluation_interval("x[32d]", SOON)


def test_the_guide_names_the_rules_that_are_evaluated_seldom() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (.+) \|$", GUIDE.read_text(), re.MULTILINE)
    named = {CLASSES[what]: set(re.findall(r"`(\w+)`", names)) for what, names in rows if what in CLASSES}
    slow = {rule.name: evaluation_interval(rule.expr, SOON) for rule in alert_rules(RULES)}
    assert named == {span: {name for name, every in slow.items() if every == span} for span in CLASSES.values()}
    assert slow["BackupNotMade"] == slow["RowVolumeAnomaly"] == HOUR
    assert slow["AuthFailuresSpike"] == SOON, "an attack is not waited for"
