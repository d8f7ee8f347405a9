"""The count of damaged files at the end of a run."""

from .test_model_files import OUTCOMES


def pytest_terminal_summary(terminalreporter):
    if OUTCOMES:
        terminalreporter.section("damaged model files")
        for (damage, kind), count in sorted(OUTCOMES.items()):
            terminalreporter.write_line(f"{count:6d}  {damage}: {kind}")
        terminalreporter.write_line(f"{OUTCOMES.total():6d}  files")
