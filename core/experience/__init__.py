"""User experience: metrics from browser reports, and how many reports each metric needs."""

from core.experience.summary import MIN_COUNT, ExperienceMetric, ExperienceSummary, experience_metrics

__all__ = ["MIN_COUNT", "ExperienceMetric", "ExperienceSummary", "experience_metrics"]
