"""The questions of surveys, and the range of their answers."""

from collections.abc import Mapping

SCORES: Mapping[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5)}
"""The lowest and the highest answer, by question: would you recommend it, and are you satisfied."""
