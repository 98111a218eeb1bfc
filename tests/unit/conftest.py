"""Property tests ask for right answers, not for an idle machine: no example has a deadline."""

from hypothesis import settings

settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")
