"""Waiting for other threads: it ends with the first that is done, and lets handlers of signals run meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue

import pytest
from task_killing import interrupted

from airflow_provider_ittybit.uploads import threads
from airflow_provider_ittybit.uploads.threads import as_done, next_of

LATE = 20.0
"""Seconds after which the future gets done by itself, should the waiting not end before."""


def test_each_is_given_once_when_it_is_done_whatever_came_of_it() -> None:
    futures: list[Future[int]] = [Future() for _ in range(4)]
    futures[2].set_result(1)
    given = as_done(futures)
    assert next(given) is futures[2]
    futures[3].set_exception(ValueError())
    futures[0].cancel()
    assert [next(given), next(given)] == [futures[3], futures[0]]
    finishing = threading.Thread(target=futures[1].set_result, args=(1,))
    finishing.start()
    assert list(given) == [futures[1]]
    finishing.join()


def test_none_are_waited_for() -> None:
    assert list(as_done([])) == []


def test_what_is_raised_meanwhile_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SLICE", 0.01)
    looks, queue = iter([None, None]), SimpleQueue[int]()
    late = threading.Timer(LATE, queue.put, [1])
    late.start()
    with pytest.raises(StopIteration):
        next_of(queue, lambda: next(looks))
    late.cancel()


@pytest.mark.parametrize("ends_wait", [True, False], ids=["waiting", "about-to-wait"])
def test_a_signal_is_handled_before_any_is_done(*, ends_wait: bool) -> None:
    future: Future[int] = Future()
    late = threading.Timer(LATE, future.set_result, [1])
    late.start()

    def is_waited_for() -> bool:
        return bool(vars(future)["_done_callbacks"])

    with interrupted(is_waited_for, KeyboardInterrupt, ends_wait=ends_wait), pytest.raises(KeyboardInterrupt):
        list(as_done([future]))
    late.cancel()
    assert not future.done()
