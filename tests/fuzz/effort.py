"""How much a fuzz test does: little in ``make test``, much in ``make fuzz``, which sets ``HYPOTHESIS_PROFILE=fuzz``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

IS_LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"


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
