"""Settings that all tests share."""

from hypothesis import settings

# The same cases in every run: a test that is green today is not red tomorrow by the luck of the draw. No deadline for
# one case, as the first call into PyTorch is slow.
settings.register_profile("book", derandomize=True, database=None, deadline=None)
settings.load_profile("book")
