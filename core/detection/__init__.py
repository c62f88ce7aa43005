"""The one mechanism of every detector: a verdict is counted, and what that changes is a finding."""

from core.detection.spec import ConditionSpec
from core.detection.state import ConditionState, Hysteresis, count
from core.detection.step import Observation, step
from core.detection.verdict import Outcome, Verdict

__all__ = ["ConditionSpec", "ConditionState", "Hysteresis", "Observation", "Outcome", "Verdict", "count", "step"]
