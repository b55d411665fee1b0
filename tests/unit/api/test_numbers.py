"""Whole numbers as users and templates give them."""

from __future__ import annotations

import pytest

from airflow_provider_ittybit.api.numbers import whole_number


@pytest.mark.parametrize(("value", "number"), [(0, 0), (-3, -3), (25, 25), ("25", 25), (" 25 ", 25), ("007", 7)])
def test_a_whole_number_or_its_digits_are_read(value: object, number: int) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize("value", [None, True, False, 1.0, "1.0", "", " ", "-1", "ten", "\uff11", "9" * 19, [], {}])
def test_anything_else_is_none(value: object) -> None:
    assert whole_number(value) is None
