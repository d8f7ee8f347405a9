"""The count of executions at the end of a run."""

import hypothesis

from .counting import EXECUTIONS


def pytest_terminal_summary(terminalreporter, config):
    if not EXECUTIONS:
        return
    seed = config.getoption("--hypothesis-seed")
    how = "derandomized" if hypothesis.settings().derandomize else f"--hypothesis-seed={seed}"
    terminalreporter.section("properties")
    for name, count in sorted(EXECUTIONS.items()):
        terminalreporter.write_line(f"{count:8d}  {name}")
    terminalreporter.write_line(f"{EXECUTIONS.total():8d}  executions of {len(EXECUTIONS)} properties, {how}")
