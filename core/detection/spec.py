"""What a detector watches."""

from dataclasses import dataclass, field

from core.detection.state import Hysteresis


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSpec:
    """One thing that a detector watches on a target.

    Attributes:
        target: what is watched, as in `model/flight-delay`.
        kind: what may be noticed of it, as in `drift`.
        source: the detector.
        runbook: the section of the runbooks, as in `models.md#drift`.
        hysteresis: how many verdicts in a row change its status.
        repeat: whether every bad verdict is published while it fires; else only changes of status or severity are.
        cumulative: whether each verdict is concluded from the whole history up to its instant, and not from a sample.
            Then a verdict about the same instant corrects the last one, since the history may have grown; and a good one
            while nothing fires leaves nothing to remember. Such a condition has no hysteresis of its own.
    """

    target: str
    kind: str
    source: str
    runbook: str
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    repeat: bool = False
    cumulative: bool = False

    def __post_init__(self) -> None:
        if self.cumulative and self.hysteresis != Hysteresis():
            raise ValueError(f"hysteresis: must be 1 and 1 where verdicts are cumulative, got {self.hysteresis}")

    @property
    def key(self) -> str:
        """Of its state; the same as `Finding.condition`."""
        return f"{self.target}:{self.kind}"
