"""What holds for all unit tests."""

from hypothesis import settings

# A busy machine is no fault of the code: no test here is about time.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
