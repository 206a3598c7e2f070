"""The class in the benchmark, smaller than there: a killed worker changes no row."""

import importlib.util
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "benchmarks" / "grading.py"


@pytest.mark.slow
def test_class_with_a_killed_worker():
    spec = importlib.util.spec_from_file_location("benchmark_of_grading", PLACE)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    assert benchmark.CLASS == 200
    # Ten of each kind, and many times what is in flight when the worker is killed.
    found = benchmark.in_own_process("class", students=60)
    assert found["right"], found["detail"]
