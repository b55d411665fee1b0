from __future__ import annotations

import pytest
from fuzz.effort import MODULES, WANTED, shortfall


def counts(*numbers: int, modules: frozenset[str] = MODULES) -> dict[str, int]:
    """Make the counts of a run: the first test of each module, and then more of them."""
    names = sorted(modules)
    tests = {f"tests/fuzz/{name}::test_a": 0 for name in names}
    return tests | {f"tests/fuzz/{names[0]}::test_{place}": number for place, number in enumerate(numbers)}


@pytest.mark.parametrize("numbers", [(), (WANTED - 1,), (WANTED // 2, WANTED // 2 - 1)])
def test_a_run_of_all_modules_with_too_few_examples_is_told(numbers: tuple[int, ...]) -> None:
    assert shortfall(counts(*numbers)) == f"only {sum(numbers):,} of {WANTED:,} examples ran"


@pytest.mark.parametrize("numbers", [(WANTED,), (WANTED // 2, WANTED // 2), (10 * WANTED,)])
def test_a_run_with_enough_examples_is_not(numbers: tuple[int, ...]) -> None:
    assert shortfall(counts(*numbers)) == ""


def test_a_run_of_some_modules_needs_no_number() -> None:
    assert shortfall(counts(1, modules=MODULES - {"test_lists.py"})) == ""
