"""Who is due when."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

from airflow_provider_ittybit.api.processing import read_processing
from airflow_provider_ittybit.api.waiting import FAILED_LOOKS
from airflow_provider_ittybit.exceptions import IttybitNotFoundError, IttybitServerError
from airflow_provider_ittybit.triggers.waiters import FINAL, DueList, Ended, Key, LimitList, Pacer, Waiter


def waiter(**options: Any) -> Waiter:
    future = asyncio.get_running_loop().create_future()
    return Waiter(Key("files", "file_1"), future, copy_context(), **{"poll_interval": 10.0, **options})


async def test_who_is_due_is_taken_once_in_order() -> None:
    due, first, second, third = DueList(), waiter(), waiter(), waiter()
    for moment, who in ((2, second), (1, first), (3, third)):
        due.put(who, moment)
    assert due.next() == 1
    assert due.take(2, 10) == [first, second]
    assert due.take(2, 10) == []
    assert due.next() == 3


async def test_no_more_are_taken_than_asked_for() -> None:
    due = DueList()
    for _ in range(5):
        due.put(waiter(), 1)
    assert [len(due.take(1, 2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_who_waits_too_long_is_taken_once_within_a_second_and_no_more_in_one_go_than_asked_for() -> None:
    limits, many, later = LimitList(), [waiter() for _ in range(3)], waiter()
    for who in many:
        limits.put(who, 1.25)
    limits.put(later, 3.0)
    assert limits.next() == 2
    assert limits.take(1.9, 10) == []
    assert [limits.take(2.0, 2) for _ in range(3)] == [many[:2], many[2:], []]
    limits.drop(later)
    limits.drop(later)
    assert limits.next() is None


async def test_who_is_put_again_is_due_at_the_new_moment_only() -> None:
    due, who = DueList(), waiter()
    for moment in (5, 9, 7):
        due.put(who, moment)
    assert due.next() == 7
    assert due.take(100, 10) == [who]
    assert due.next() is None


async def test_who_waits_no_more_is_never_due() -> None:
    due, over, cancelled = DueList(), waiter(), waiter()
    due.put(over, 1)
    due.put(cancelled, 1)
    over.end(Ended(FINAL))
    cancelled.future.cancel()
    assert due.next() is None


async def test_an_end_after_the_trigger_was_cancelled_is_of_no_consequence() -> None:
    who = waiter()
    who.future.cancel()
    who.end(Ended(FINAL))
    assert who.is_over


async def test_failed_looks_are_counted_in_a_row_and_what_never_heals_counts_at_once() -> None:
    who = waiter(failed=1)
    assert [who.takes(IttybitServerError()) for _ in range(FAILED_LOOKS - 1)] == [True, True, True, False]
    who.note(read_processing({"id": "file_1", "status": "processing", "progress": 30}))
    assert (who.failed, who.status, who.progress) == (0, "processing", 30)
    assert not who.takes(IttybitNotFoundError())


async def test_first_looks_within_one_tick_fall_together() -> None:
    due = DueList()
    for moment in (1000.1, 1000.5, 1000.9):
        Pacer(due).first(waiter(), moment, 0)
    assert len(due.take(1001.0, 10)) == 3


async def test_no_look_comes_later_than_the_deadline() -> None:
    due = DueList()
    Pacer(due).first(waiter(deadline=49.0), 1000.5, 50.0)
    assert due.next() == 1000.5
    Pacer(due).again(waiter(deadline=52.5, poll_interval=600.0), None, 1000.5, 50.0)
    due.take(1000.5, 1)
    assert due.next() == 1003.0


async def test_a_pause_is_cut_by_a_fifth_at_most_rounded_up_to_a_tick_and_may_end_a_quarter_early() -> None:
    for _ in range(50):
        due, who = DueList(), waiter()
        who.since = 1000.0
        Pacer(due).again(who, None, 1000.0, 0)
        assert 1008 <= (due.next() or 0) <= 1011
        assert 1006 <= who.early <= 1007.5


async def test_all_who_were_answered_in_one_round_are_due_in_one_round_again() -> None:
    due = DueList()
    pacer, many = Pacer(due), [waiter() for _ in range(20)]
    pacer.begin(1000.0)
    for number, who in enumerate(many):
        pacer.again(who, None, 1000.0 + 0.2 * number, 0)
    assert len({who.due for who in many}) == 1


async def test_after_a_look_that_took_longer_than_the_pause_half_the_pause_is_left() -> None:
    due = DueList()
    pacer, who = Pacer(due), waiter()
    pacer.begin(1000.0)
    pacer.again(who, None, 1100.0, 0)
    assert 1104 <= (due.next() or 0) <= 1107


async def test_a_first_look_waits_for_the_next_round_only_if_that_comes_within_its_own_interval() -> None:
    due, planned, patient, hasty = DueList(), waiter(), waiter(poll_interval=30.0), waiter(poll_interval=4.0)
    due.put(planned, 1009.0)
    for who in (patient, hasty):
        Pacer(due).first(who, 1000.1, 0)
    assert (patient.due, patient.early) == (1009.0, 1000.1)
    assert (hasty.due or 0) <= 1001


async def test_a_first_look_during_a_round_that_has_taken_all_waits_for_the_next_one() -> None:
    due, late, hasty = DueList(), waiter(), waiter(poll_interval=0.0)
    pacer = Pacer(due)
    pacer.begin(1000.0)
    pacer.first(late, 1003.0, 0)
    assert late.due == 1010.0
    pacer.first(hasty, 1003.0, 0)
    assert 1003.0 <= (hasty.due or 0) <= 1003.001


async def test_who_may_be_looked_at_early_stays_due_at_its_time() -> None:
    due, soon, late = DueList(), waiter(), waiter()
    for who, moment, early in ((late, 20.0, 16.0), (soon, 10.0, 7.0)):
        due.put(who, moment)
        who.early = early
    assert due.nearly(16.0, 10) == [soon, late]
    assert due.nearly(15.0, 10) == [soon]
    assert due.nearly(16.0, 1) == [soon]
    assert due.take(20.0, 10) == [soon, late]
