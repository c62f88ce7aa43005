"""What people who use the services see: what is measured of it, and from how many reports on."""

from core.experience.measure import LEAST, Measure, Reason, Seen, measures
from core.experience.report import DEVICES, KINDS

__all__ = ["DEVICES", "KINDS", "LEAST", "Measure", "Reason", "Seen", "measures"]
