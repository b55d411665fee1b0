"""How much a fuzz test does: little in ``make test``, much in ``make fuzz``, which sets ``HYPOTHESIS_PROFILE=fuzz``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

IS_LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
WANTED = 50_000
"""Examples that ``make fuzz`` has to make up, beside odd requests and sequences; with fewer it fails."""
MODULES = frozenset(path.name for path in Path(__file__).parent.glob("test_*.py"))


def effort(small: int, large: int, **more: int) -> settings:
    """Return the settings of a test; the small one has the same cases each time, so it fails for all or nobody.

    :param small: examples in ``make test``.
    :param large: examples in ``make fuzz``.
    :param more: further settings, such as ``stateful_step_count``.
    """
    return settings(
        max_examples=large if IS_LARGE else small,
        derandomize=not IS_LARGE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )


def shortfall(counts: Mapping[str, int]) -> str:
    """Say what is missing if all modules ran and made up too little; nothing where only some were asked for.

    :param counts: examples by the id of a test.
    """
    ran = {test.partition("::")[0].rpartition("/")[2] for test in counts}
    total = sum(counts.values())
    return f"only {total:,} of {WANTED:,} examples ran" if ran >= MODULES and total < WANTED else ""
