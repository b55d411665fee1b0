"""Long work in short pieces."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_ittybit.triggers.slices import slices


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (12, [4, 4, 4])])
async def test_all_items_come_once_in_pieces(number: int, sizes: list[int]) -> None:
    pieces = [piece async for piece in slices(range(number), 4)]
    assert [len(piece) for piece in pieces] == sizes
    assert [item for piece in pieces for item in piece] == list(range(number))


async def test_the_event_loop_has_a_turn_after_each_piece() -> None:
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    seen = [len(turns) async for _ in slices(range(3), 1)]
    task.cancel()
    assert seen == [0, 1, 2]
