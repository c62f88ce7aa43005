"""What is inferred of a log of predictions that nobody has described: its columns, the task, the reference and the windows."""

from core.onboarding.columns import Roles, roles
from core.onboarding.labels import LabelRole, label_role
from core.onboarding.windows import Hours, OnboardingError, Schedule, schedule, schedule_of

__all__ = [
    "Hours",
    "LabelRole",
    "OnboardingError",
    "Roles",
    "Schedule",
    "label_role",
    "roles",
    "schedule",
    "schedule_of",
]
