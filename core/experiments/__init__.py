"""Experiments between the champion and a challenger: evidence that holds at every look, and the decision.

>>> from datetime import UTC, datetime
>>> from core.settings import Mode, Promotion
>>> arms = Stage(champion=Sums.of_rate(44_700, 8_502), challenger=Sums.of_rate(45_489, 8_279))
>>> look = Snapshot(at=datetime(2026, 1, 2, tzinfo=UTC), measure=Arms(stages=(arms,), binary=True))
>>> found = decide(look, Promotion(mode=Mode.AB, maximum=45_000))
>>> found.action.value, found.reason.value, f"{found.measure.advantage:.2%}"
('reject', 'worse', '-0.82%')
"""

from core.experiments.betting import win_share
from core.experiments.decision import Action, Decision, Reason, Snapshot, decide
from core.experiments.evidence import Bar, Data, Evidence, evidence
from core.experiments.levels import Levels
from core.experiments.sample_ratio import Assigned
from core.experiments.series import ExperimentLook, follow
from core.experiments.sums import Arms, Differences, Pairs, Stage, Sums
from core.experiments.value import monthly

__all__ = [
    "Action",
    "Arms",
    "Assigned",
    "Bar",
    "Data",
    "Decision",
    "Differences",
    "Evidence",
    "ExperimentLook",
    "Levels",
    "Pairs",
    "Reason",
    "Snapshot",
    "Stage",
    "Sums",
    "decide",
    "evidence",
    "follow",
    "monthly",
    "win_share",
]
