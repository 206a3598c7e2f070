"""Tell at the end of a run which test files took longest, and what they cost.

Seconds on the clock depend on what else the machine does; processor seconds (of the
process and of the children that it has waited for) hardly do.
"""

import os
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

SHOWN = 10
LARGEST_GROUP = 600.0


def processor_seconds() -> float:
    """Of this process and its ended children, user and system together."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@dataclass
class Cost:
    """What the tests of one file took, in seconds."""

    clock: float = 0.0
    processor: float = 0.0
    tests: set[str] = field(default_factory=set)


class Timing:
    """In a worker: note each phase's cost in its report. In the main process: add up."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = defaultdict(Cost)
        self.last = processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        now = processor_seconds()
        report.processor_seconds, self.last = now - self.last, now
        return report

    def pytest_runtest_logreport(self, report) -> None:
        cost = self.costs[report.nodeid.split("::")[0]]
        cost.clock += report.duration
        cost.processor += getattr(report, "processor_seconds", 0.0)
        cost.tests.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if not self.costs:
            return
        terminalreporter.write_sep("=", f"the {SHOWN} longest of {len(self.costs)} files")
        longest = sorted(self.costs.items(), key=lambda one: -one[1].clock)
        for name, cost in longest[:SHOWN]:
            terminalreporter.write_line(
                f"{cost.clock:6.0f} s, {cost.processor:6.0f} s of processor, "
                f"{len(cost.tests):4d} tests  {name}"
            )
