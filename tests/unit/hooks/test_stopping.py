"""Pauses that end when they are told to, and hooks in a hurry."""

from __future__ import annotations

import copy
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.exceptions import IttybitServerError, IttybitStoppedError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.hooks.stopping import Pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass, and note what was slept."""
    slices: list[float] = []
    monkeypatch.setattr(time, "sleep", slices.append)
    return slices


@pytest.mark.parametrize("seconds", [0, 0.1, 0.5, 0.6, 10, 10.25])
def test_a_pause_is_as_long_as_asked_in_slices_of_half_a_second(seconds: float, slept: list[float]) -> None:
    Pause()(seconds)
    assert sum(slept) == pytest.approx(seconds)
    assert all(0 < one <= 0.5 for one in slept)


def test_a_pause_that_was_stopped_ends_at_once_and_so_does_any_other(slept: list[float]) -> None:
    pause = Pause()
    pause.stop()
    for seconds in (0, 100):
        with pytest.raises(IttybitStoppedError, match="killed"):
            pause(seconds)
    assert slept == []


def test_a_signal_handler_stops_a_pause() -> None:
    pause = Pause()
    before = signal.signal(signal.SIGUSR1, lambda *_: pause.stop())
    sender = threading.Timer(0.05, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1))
    sender.start()
    try:
        begun = time.monotonic()
        with pytest.raises(IttybitStoppedError):
            pause(60)
        assert time.monotonic() - begun < 10
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_hook_that_was_stopped_waits_for_nothing(held: Any, emulator: RunningEmulator) -> None:
    hook = held("files-flat")
    made = hook.upload_media("https://cdn.example/clip.mp4")
    emulator.control.forget_requests()
    hook.pause.stop()
    with pytest.raises(IttybitStoppedError):
        hook.wait_for_processing(made["id"], poll_interval=60)
    assert emulator.control.requests() == []


def pickled(hook: IttybitHook) -> Any:
    return pickle.loads(pickle.dumps(hook))  # noqa: S301 - our own bytes of a moment ago


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_a_hook_that_was_stopped_goes_on(how: Callable[[Any], Any]) -> None:
    hook = IttybitHook()
    hook.pause.stop()
    assert not how(hook).pause.is_stopped


def test_a_hurried_hook_sends_once_and_waits_no_longer_than_it_may(
    hook_for: Callable[..., IttybitHook], emulator: RunningEmulator
) -> None:
    hook = hook_for("files-flat", timeout=60, max_retries=5)
    assert hook.settings.max_retries == 5
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    with hook.hurried(2.0) as quick, pytest.raises(IttybitServerError):
        quick.get_media("file_1")
    assert len(emulator.control.requests()) == 1
    assert (quick.settings.timeout, quick.settings.max_retries) == (2.0, 0)
    assert (hook.settings.timeout, hook.settings.max_retries) == (60, 5)


def test_a_hurried_hook_is_no_slower_than_its_connection(hook_for: Callable[..., IttybitHook]) -> None:
    hook = hook_for("files-flat", timeout=1, max_retries=0)
    quick = hook.hurried(10.0, repetitions=3)
    assert (quick.settings.timeout, quick.settings.max_retries) == (1, 0)


def test_a_hurried_hook_asks_airflow_for_nothing(
    hook_for: Callable[..., IttybitHook], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hook_for("files-flat")
    hook.get_conn()
    monkeypatch.delenv("AIRFLOW_CONN_ITTYBIT_DEFAULT")
    assert hook.hurried(1.0).settings.api_key == hook.settings.api_key
