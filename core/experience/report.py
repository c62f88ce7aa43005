"""Vocabulary of a browser report."""

from typing import Literal

Device = Literal["desktop", "mobile", "tablet"]
