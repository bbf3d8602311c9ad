"""How hypothesis searches in these tests: patiently, because a busy machine is no mistake."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    # In a fresh clone the first example waits until hypothesis has built its table of characters.
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")
