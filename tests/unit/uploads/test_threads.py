"""Waiting for other threads: it ends with the first that is done, and lets handlers of signals run meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from task_killing import interrupted

from airflow_provider_ittybit.uploads.threads import some_done

LATE = 20.0
"""Seconds after which the future gets done by itself, should the waiting not end before."""


def test_those_that_are_done_are_given_at_once() -> None:
    futures: list[Future[int]] = [Future() for _ in range(3)]
    futures[0].set_result(1)
    futures[2].set_exception(ValueError())
    assert some_done(futures) == {futures[0], futures[2]}


def test_it_waits_for_the_first() -> None:
    futures: list[Future[int]] = [Future(), Future()]
    finishing = threading.Thread(target=futures[1].set_result, args=(1,))
    finishing.start()
    assert some_done(futures) == {futures[1]}
    finishing.join()


@pytest.mark.parametrize("ends_wait", [True, False], ids=["waiting", "about-to-wait"])
def test_a_signal_is_handled_before_any_is_done(*, ends_wait: bool) -> None:
    future: Future[int] = Future()
    late = threading.Timer(LATE, future.set_result, [1])
    late.start()

    def is_waited_for() -> bool:
        return bool(vars(future)["_waiters"])

    with interrupted(is_waited_for, KeyboardInterrupt, ends_wait=ends_wait), pytest.raises(KeyboardInterrupt):
        some_done([future])
    late.cancel()
    assert not future.done()
