"""Which look answers whom, by values only."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from unit.triggers.staging import HandClock

from airflow_provider_ittybit.api.processing import ProcessingStatus, read_processing
from airflow_provider_ittybit.api.waiting import FAILED_LOOKS
from airflow_provider_ittybit.exceptions import IttybitNotFoundError, IttybitServerError
from airflow_provider_ittybit.triggers.waiters import ERROR, FINAL, TIMEOUT, Ended, Key, Waiter
from airflow_provider_ittybit.triggers.watch import GRACE, Watch

KEY = Key("files", "file_1")
NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def watch(clock: HandClock) -> Watch:
    return Watch(clock)


def joined(watch: Watch, key: Key = KEY, **options: Any) -> Waiter:
    future = asyncio.get_running_loop().create_future()
    waiter = Waiter(key, future, copy_context(), **{"poll_interval": 10.0, **options})
    watch.add(waiter)
    return waiter


def said(status: str, **fields: Any) -> ProcessingStatus:
    return read_processing({"id": "file_1", "status": status, **fields})


def due_after(watch: Watch, clock: HandClock) -> float:
    return (watch.next_due() or 0) - clock.now()


async def test_one_look_answers_all_who_wait_for_the_same(watch: Watch, clock: HandClock) -> None:
    waiters = [joined(watch), joined(watch)]
    clock.move(1)
    assert watch.take_due(10) == [KEY]
    watch.answer(KEY, said("ready"), clock.time(), 0)
    assert [waiter.future.result() for waiter in waiters] == [Ended(FINAL, "ready")] * 2
    assert KEY not in watch
    assert len(watch) == 0


async def test_of_two_who_wait_for_the_same_each_has_its_own_deadline(watch: Watch, clock: HandClock) -> None:
    late, early = joined(watch, deadline=clock.time() + 100), joined(watch, deadline=clock.time())
    watch.answer(KEY, said("processing"), clock.time(), 0)
    assert early.future.result() == Ended(TIMEOUT, "processing")
    assert not late.is_over


async def test_a_look_that_began_before_the_deadline_is_not_the_last(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch, deadline=clock.time() + 1)
    asked_at = clock.time()
    clock.move(2)
    watch.answer(KEY, said("processing"), asked_at, 0)
    assert not waiter.is_over
    assert due_after(watch, clock) == 0


async def test_what_is_done_at_the_deadline_is_done(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch, deadline=clock.time() - 5)
    watch.answer(KEY, said("failed"), clock.time(), 0)
    assert waiter.future.result() == Ended(FINAL, "failed")


async def test_looks_that_fail_are_forgiven_until_there_are_too_many_in_a_row(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch)
    for _ in range(FAILED_LOOKS - 1):
        watch.fail(KEY, IttybitServerError("Out of order."), clock.time())
    watch.answer(KEY, said("processing"), clock.time(), 0)
    for _ in range(FAILED_LOOKS - 1):
        watch.fail(KEY, IttybitServerError("Out of order."), clock.time())
    assert not waiter.is_over
    error = IttybitServerError("Out of order.")
    watch.fail(KEY, error, clock.time())
    assert waiter.future.result() == Ended(ERROR, "processing", error.to_json())


async def test_a_failed_last_look_is_a_timeout(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch, deadline=clock.time())
    watch.fail(KEY, IttybitServerError("Out of order."), clock.time())
    assert waiter.future.result() == Ended(TIMEOUT)


async def test_a_failure_that_never_heals_ends_only_those_it_is_about(watch: Watch, clock: HandClock) -> None:
    gone, other = joined(watch), joined(watch, Key("files", "file_2"))
    watch.fail(KEY, IttybitNotFoundError("Gone."), clock.time())
    assert gone.future.result().outcome == ERROR
    assert not other.is_over


async def test_a_failed_look_is_logged_in_the_context_of_its_own_trigger(
    watch: Watch, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[tuple[str, Any]] = []

    def note(_: str, *arguments: Any) -> None:
        logged.append((NAME.get(), arguments[1]))

    monkeypatch.setattr("airflow_provider_ittybit.triggers.watch.log.warning", note)

    def join(name: str) -> None:
        NAME.set(name)
        joined(watch)

    for name in ("one", "two"):
        copy_context().run(join, name)
    watch.fail(KEY, IttybitServerError(), clock.time())
    assert logged == [("one", "file_1"), ("two", "file_1")]


async def test_the_pause_grows_with_age_and_shrinks_when_progress_moves(watch: Watch, clock: HandClock) -> None:
    joined(watch)
    clock.move(200)
    watch.answer(KEY, said("processing", progress=30), clock.time(), 0)
    assert 16 <= due_after(watch, clock) <= 21
    watch.answer(KEY, said("processing", progress=30), clock.time(), 0)
    assert 16 <= due_after(watch, clock) <= 21
    watch.answer(KEY, said("processing", progress=31), clock.time(), 0)
    assert 8 <= due_after(watch, clock) <= 11


async def test_a_look_may_come_a_quarter_early_but_no_earlier(watch: Watch, clock: HandClock) -> None:
    joined(watch)
    watch.take_due(1)
    watch.answer(KEY, said("processing"), clock.time(), 0)
    clock.move(5.5)
    assert not watch.is_wanted_soon(KEY)
    clock.move(3.51)
    assert watch.is_wanted_soon(KEY)


async def test_what_was_postponed_is_neither_failed_nor_looked_at(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch)
    watch.take_due(1)
    watch.postpone(KEY, clock.now() + 70)
    assert (due_after(watch, clock), waiter.failed, waiter.is_over) == (70, 0, False)


@pytest.mark.parametrize(("opens_after_deadline", "waits"), [(GRACE - 1, True), (GRACE + 1, False)])
async def test_a_last_look_waits_for_the_gate_a_little_but_not_longer(
    watch: Watch, clock: HandClock, opens_after_deadline: float, *, waits: bool
) -> None:
    waiter = joined(watch, deadline=clock.time() + 10)
    watch.postpone(KEY, clock.now() + 10 + opens_after_deadline)
    clock.move(10)
    assert (watch.take_due(1) == []) is waits
    watch.postpone(KEY, clock.now() + opens_after_deadline)
    assert waiter.is_over is not waits
    assert waits or waiter.future.result() == Ended(TIMEOUT)


async def test_the_feed_is_trusted_only_since_it_is_followed_and_not_for_ever(watch: Watch, clock: HandClock) -> None:
    joined(watch)
    assert not watch.may_trust_feed(KEY, 1, 3)
    watch.answer(KEY, said("processing"), clock.time(), 1)
    assert watch.may_trust_feed(KEY, 1, 3)
    assert not watch.may_trust_feed(KEY, 2, 3)
    watch.nothing_new(KEY)
    watch.answer(KEY, said("processing"), clock.time(), None)
    assert watch.may_trust_feed(KEY, 1, 3)
    watch.nothing_new(KEY)
    assert not watch.may_trust_feed(KEY, 1, 3)


async def test_the_feed_takes_no_last_look_and_heals_no_failed_one(watch: Watch, clock: HandClock) -> None:
    joined(watch, deadline=clock.time() + 5)
    watch.answer(KEY, said("processing"), clock.time(), 1)
    watch.fail(KEY, IttybitServerError(), clock.time())
    assert not watch.may_trust_feed(KEY, 1, 3)
    watch.answer(KEY, said("processing"), clock.time(), 1)
    clock.move(5)
    assert not watch.may_trust_feed(KEY, 1, 3)


async def test_what_the_feed_says_at_the_deadline_is_followed_by_a_last_look(watch: Watch, clock: HandClock) -> None:
    waiter = joined(watch, deadline=clock.time())
    watch.take_due(1)
    watch.answer(KEY, said("processing"), clock.time(), None)
    assert not waiter.is_over
    assert due_after(watch, clock) == 0
    watch.answer(KEY, said("processing"), clock.time(), 1)
    assert waiter.future.result() == Ended(TIMEOUT, "processing")


async def test_who_left_is_forgotten(watch: Watch, clock: HandClock) -> None:
    waiter, other = joined(watch), joined(watch)
    watch.remove(waiter)
    watch.remove(waiter)
    assert watch.all() == [other]
    watch.remove(other)
    clock.move(1)
    assert watch.one_of(KEY) is None
    assert watch.take_due(10) == []
    assert watch.unanswered([KEY]) == []


async def test_giving_up_tells_all(watch: Watch) -> None:
    waiters = [joined(watch), joined(watch), joined(watch, Key("files", "file_2"))]
    watch.give_up(watch.keys(), IttybitServerError("Out of order."))
    assert {waiter.future.result().outcome for waiter in waiters} == {ERROR}


async def test_a_look_that_does_not_end_is_waited_for_until_shortly_after_the_deadline(
    watch: Watch, clock: HandClock
) -> None:
    waiter, other = joined(watch, deadline=clock.time() + 10), joined(watch)
    watch.answer(KEY, said("processing"), clock.time(), 0)
    clock.move(10)
    watch.take_due(10)
    clock.move(GRACE - 0.1)
    await watch.end_overdue()
    assert not waiter.is_over
    clock.move((watch.next_limit() or 0) - clock.now())
    await watch.end_overdue()
    assert waiter.future.result() == Ended(TIMEOUT, "processing")
    assert not other.is_over
    assert watch.next_limit() is None
    assert clock.time() <= (waiter.deadline or 0) + GRACE + 1


async def test_who_comes_after_its_deadline_has_the_same_time_for_its_last_look(watch: Watch, clock: HandClock) -> None:
    joined(watch, deadline=clock.time() - 1000)
    assert GRACE <= (watch.next_limit() or 0) - clock.now() <= GRACE + 1


async def test_who_waits_no_more_has_no_limit(watch: Watch, clock: HandClock) -> None:
    left, answered = joined(watch, deadline=clock.time() + 5), joined(watch, deadline=clock.time() + 50)
    watch.remove(left)
    watch.answer(answered.key, said("ready"), clock.time(), 0)
    assert watch.next_limit() is None


async def test_a_computer_clock_that_is_put_back_ends_no_waiting_early(
    watch: Watch, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiter = joined(watch, deadline=clock.time() + 10)
    deadline = clock.time() + 10
    clock.move(10 + GRACE + 1)
    monkeypatch.setattr(clock, "time", lambda: deadline - 100)
    await watch.end_overdue()
    assert not waiter.is_over
    assert 100 + GRACE <= (watch.next_limit() or 0) - clock.now() <= 101 + GRACE
