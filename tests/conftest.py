"""Settings that all tests share."""

from hypothesis import settings

# The same cases in every run: a test that is green today is not red tomorrow by the luck of the
# draw. No deadline for one case, as the first call into PyTorch is slow.
settings.register_profile("book", derandomize=True, database=None, deadline=None)
settings.load_profile("book")


def pytest_terminal_summary(terminalreporter):
    """Prints the table that test_exercises.py makes, also where a worker of xdist ran it."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", []):
                if name == "table":
                    terminalreporter.section("what the checks of the exercises were tried with")
                    terminalreporter.write_line(text)
