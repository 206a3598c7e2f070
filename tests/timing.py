"""Tell at the end of a run which test files took longest, and what they cost.

Seconds on the clock depend on what else the machine does; processor seconds (of the
process and of the children that it has waited for) hardly do.
"""

import os
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

SHOWN = 20


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
    """In a worker: note each test's cost in its report; in the main process: add up."""

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
        longest = sorted(self.costs.items(), key=lambda one: -one[1].clock)[:SHOWN]
        clock = sum(one.clock for one in self.costs.values())
        processor = sum(one.processor for one in self.costs.values())
        terminalreporter.write_sep("=", f"longest of {len(self.costs)} files")
        for name, cost in [*longest, ("all files", Cost(clock, processor))]:
            tests = f"{len(cost.tests)} tests" if cost.tests else ""
            terminalreporter.write_line(
                f"{cost.clock:6.0f} s {cost.processor:6.0f} s of processor "
                f"{tests:>10}  {name}"
            )
