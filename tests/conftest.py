"""What holds for every test."""

from hypothesis import settings

# A machine that is busy takes longer over an example: no property depends on how long one takes.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")
