from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from task_running import fire, rebuilt, sent, uploaded

from airflow_provider_ittybit.api.waiting import FAILED_LOOKS
from airflow_provider_ittybit.exceptions import IttybitTriggerEventError
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.transport.shared_line import SharedLine
from airflow_provider_ittybit.triggers import processing, watch
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, read_event, safety_net
from airflow_provider_ittybit.triggers.registry import Pollers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.triggers.waiters import Waiter

    Connect = Callable[..., RunningEmulator]

NOW = 1_900_000_000


@pytest.fixture(params=["shared", "alone"], autouse=True)
def _polling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with the shared poller and without it: what comes out must be the same."""
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", str(request.param == "shared"))


def trigger(resource_id: str, **arguments: Any) -> ProcessingTrigger:
    return ProcessingTrigger(resource_id, **{"poll_interval": 0.01, **arguments})


@pytest.mark.parametrize("shared", [True, False])
def test_the_configuration_decides_whether_it_shares_a_poller(
    held: str, monkeypatch: pytest.MonkeyPatch, *, shared: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", str(shared))
    monkeypatch.setenv("AIRFLOW__ITTYBIT__POLLER_CONCURRENCY", "3")
    asked: list[Any] = []
    subscribe = Pollers.subscribe

    def note(self: Pollers, *arguments: Any, **options: Any) -> Waiter:
        asked.append(options["concurrency"])
        return subscribe(self, *arguments, **options)

    monkeypatch.setattr(Pollers, "subscribe", note)
    fire(trigger(held, deadline=1.0))
    assert asked == ([3] if shared else [])


@pytest.fixture
def held(connect: Connect, image: Path) -> str:
    """The id of an image that ittybit has not begun to process."""
    connect("files-flat", max_retries=0).control.settings(processing="held")
    return str(uploaded(image)["id"])


@pytest.fixture
def after_two_looks(connect: Connect, image: Path) -> str:
    """The id of an image that shows its end at the third look."""
    emulator = connect("files-flat", max_retries=0)
    emulator.control.settings(processing="after_reads:2")
    resource_id = str(uploaded(image)["id"])
    emulator.control.settle()
    emulator.control.forget_requests()
    return resource_id


@pytest.mark.parametrize("generation", ["media", "files-enveloped", "files-flat"])
def test_it_fires_when_processing_ended_well(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    resource_id = uploaded(image)["id"]
    emulator.control.settle()
    emulator.control.forget_requests()
    status = None if generation == "media" else "ready"
    event = fire(trigger(resource_id))
    assert (event["outcome"], event["id"], event["status"], event["error"]) == ("final", resource_id, status, None)
    assert len(sent(emulator)) == 3


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_it_fires_when_what_was_fetched_is_done(generation: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    resource_id = uploaded(f"{web}/still.png")["id"]
    emulator.control.settle()
    assert fire(trigger(resource_id))["outcome"] == "final"


def test_it_fires_when_processing_failed(connect: Connect, tmp_path: Path) -> None:
    emulator = connect("files-flat")
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    resource_id = uploaded(tmp_path / "notes.txt")["id"]
    emulator.control.settle()
    event = fire(trigger(resource_id))
    assert (event["outcome"], event["status"]) == ("final", "failed")


def test_it_goes_on_while_processing_does(held: str, emulator: RunningEmulator) -> None:
    emulator.control.forget_requests()

    async def watch() -> None:
        run: Any = trigger(held).run()
        event = asyncio.ensure_future(anext(run))
        while len(sent(emulator)) < 3:  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0)
        assert not event.done()
        emulator.control.release()
        assert (await event).payload["outcome"] == "final"
        await run.aclose()

    asyncio.run(asyncio.wait_for(watch(), 30))


def test_after_the_deadline_one_last_look_is_taken(held: str, emulator: RunningEmulator) -> None:
    emulator.control.forget_requests()
    with time_machine.travel(NOW):
        event = fire(trigger(held, deadline=float(NOW - 1)))
    assert (event["outcome"], event["id"], event["status"], event["error"]) == ("timeout", held, "waiting", None)
    assert len(sent(emulator)) == 1


def test_the_deadline_holds_in_another_triggerer(held: str) -> None:
    with time_machine.travel(NOW):
        stored = trigger(held, deadline=float(NOW + 3600)).serialize()[1]
    with time_machine.travel(NOW + 3601):
        moved = ProcessingTrigger(**json.loads(json.dumps(stored)))
        assert fire(moved)["outcome"] == "timeout"


def test_what_is_done_at_the_last_look_is_done(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    resource_id = uploaded(image)["id"]
    emulator.control.settle()
    assert fire(trigger(resource_id, deadline=1.0))["outcome"] == "final"


def test_a_long_pause_is_cut_at_the_deadline() -> None:
    with time_machine.travel(NOW, tick=False):
        assert trigger("file_1", poll_interval=600, deadline=float(NOW + 5))._pause() == 5
        assert trigger("file_1", poll_interval=600, deadline=float(NOW - 5))._pause() == 0


def test_pauses_vary_by_a_tenth_so_that_many_tasks_spread_out() -> None:
    pauses = {trigger("file_1", poll_interval=100)._pause() for _ in range(50)}
    assert all(90 <= pause <= 110 for pause in pauses)
    assert len(pauses) > 40


def test_fewer_failed_looks_in_a_row_than_the_limit_are_tolerated(
    after_two_looks: str, emulator: RunningEmulator
) -> None:
    few = FAILED_LOOKS - 1
    emulator.control.fault(match={"method": "GET"}, times=few, status=500)
    emulator.control.fault(match={"method": "GET"}, after=1, times=few, status=503)
    emulator.control.fault(match={"method": "GET"}, after=2, times=few, drop="before")
    assert fire(trigger(after_two_looks))["outcome"] == "final"
    assert emulator.control.faults() == []


def test_as_many_failed_looks_in_a_row_as_the_limit_end_it(after_two_looks: str, emulator: RunningEmulator) -> None:
    emulator.control.fault(match={"method": "GET"}, after=1, times=0, status=500, message="Out of order.")
    event = fire(trigger(after_two_looks))
    assert (event["outcome"], event["status"]) == ("error", "waiting")
    assert "Out of order." in event["message"]
    assert len(sent(emulator)) == 1 + FAILED_LOOKS


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_an_error_that_never_heals_ends_it_at_once(
    status: int, after_two_looks: str, emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, times=0, status=status, message="No.")
    event = fire(trigger(after_two_looks))
    assert event["outcome"] == "error"
    assert "No." in event["message"]
    assert len(sent(emulator)) == 1


@pytest.fixture
def rotated(
    after_two_looks: str, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, slow_callbacks: list[str]
) -> Iterator[Callable[[str], str]]:
    """Have a trigger read a connection whose key is another before its first request goes out: ``rotated("new")``."""
    send, connection = AsyncTransport.send, json.loads(os.environ["AIRFLOW_CONN_ITTYBIT_DEFAULT"])

    def rotate(new: str) -> str:
        async def sent_later(self: AsyncTransport, call: Any, *more: Any) -> Any:
            monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps({**connection, "password": new}))
            return await send(self, call, *more)

        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps({**connection, "password": "0ldK3y"}))
        monkeypatch.setattr(AsyncTransport, "send", sent_later)
        emulator.control.forget_requests()
        return after_two_looks

    yield rotate
    slow_callbacks.clear()  # asyncio's debug mode keeps a stack for each step of opening a session, and here are two


def test_it_goes_on_with_a_key_that_was_rotated(rotated: Callable[[str], str], emulator: RunningEmulator) -> None:
    event = fire(trigger(rotated(emulator.api_key), failed_looks=FAILED_LOOKS - 1))
    assert (event["outcome"], event["status"]) == ("final", "ready")
    assert len(sent(emulator)) == 1 + 3


@pytest.mark.parametrize(("new", "requests"), [("an0therWr0ngK3y", 2), ("", 1)], ids=["refused too", "unreadable"])
def test_a_rotated_key_that_is_of_no_use_either_ends_it(
    rotated: Callable[[str], str], emulator: RunningEmulator, new: str, requests: int
) -> None:
    event = fire(trigger(rotated(new)))
    assert (event["outcome"], event["error"]["class"]) == ("error", "IttybitAuthenticationError")
    assert len(sent(emulator)) == requests


def test_a_429_is_no_failed_look_however_often_it_comes(
    after_two_looks: str, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SharedLine, "exists", lambda _: False)  # its pace after a 429 has tests of its own
    monkeypatch.setattr("random.random", lambda: 0.0)
    emulator.control.fault(match={"method": "GET"}, times=2 * FAILED_LOOKS, status=429, retry_after=0)
    assert fire(trigger(after_two_looks))["outcome"] == "final"
    assert emulator.control.faults() == []


def test_a_last_look_that_does_not_end_is_a_timeout(
    held: str, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "GRACE", 0.1)
    monkeypatch.setattr(watch, "GRACE", 0.1)
    emulator.control.fault(match={"method": "GET"}, answer_delay=20)
    began = time.monotonic()
    assert fire(trigger(held, deadline=1.0))["outcome"] == "timeout"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("status", [429, 500])
def test_a_failed_last_look_is_a_timeout(status: int, held: str, emulator: RunningEmulator) -> None:
    emulator.control.fault(match={"method": "GET"}, status=status, retry_after=0)
    assert fire(trigger(held, deadline=1.0))["outcome"] == "timeout"


def test_a_connection_that_is_gone_ends_it_at_once(held: str) -> None:
    event = fire(trigger(held, ittybit_conn_id="nowhere"))
    assert event["outcome"] == "error"
    assert "nowhere" in event["message"]


@pytest.mark.parametrize("how", ["fired", "cancelled"])
def test_it_closes_its_network_connections(
    how: str, held: str, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    transports: list[AsyncTransport] = []
    make = AsyncTransport.__init__

    def remember(self: AsyncTransport, *arguments: Any, **more: Any) -> None:
        make(self, *arguments, **more)
        transports.append(self)

    monkeypatch.setattr(AsyncTransport, "__init__", remember)

    async def watch() -> None:
        run: Any = trigger(held).run()
        event = asyncio.ensure_future(anext(run))
        emulator.control.forget_requests()
        while not sent(emulator):  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0)
        [transport] = transports
        assert transport._session is not None
        if how == "cancelled":
            event.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await event
        else:
            emulator.control.release()
            await event
            await run.aclose()
        assert transport._session is None

    asyncio.run(asyncio.wait_for(watch(), 30))


def test_what_is_stored_of_it_makes_it_again() -> None:
    made = ProcessingTrigger("file_1", "films", resource="files", poll_interval=7, deadline=12.5)
    assert rebuilt(made).serialize() == made.serialize()
    assert rebuilt(ProcessingTrigger("file_1")).serialize() == ProcessingTrigger("file_1").serialize()


STORED = {
    "resource_id": "file_1",
    "ittybit_conn_id": "films",
    "resource": "files",
    "poll_interval": 7.5,
    "deadline": 1_900_000_000.25,
    "failed_looks": 3,
    "longest_pause": 120.0,
    "delete_on_kill": True,
    "unfinished": ["file_2", "file_3"],
}
"""A row as the first version with all these arguments stored it. Rows outlive upgrades, so no name in it may change."""


def test_what_an_older_version_stored_makes_one_that_lost_nothing(logged: Callable[[], str]) -> None:
    path = "airflow_provider_ittybit.triggers.processing.ProcessingTrigger"
    old = ProcessingTrigger(**json.loads(json.dumps(STORED)))
    assert old.serialize()[0] == path
    assert {name: old.serialize()[1][name] for name in STORED} == STORED
    assert "does not know" not in logged()
    older = ProcessingTrigger(resource_id="file_1")
    assert (older.ittybit_conn_id, older.poll_interval, older.deadline) == ("ittybit_default", 10.0, None)


def test_what_a_newer_version_stored_still_makes_one_and_the_log_says_what_it_goes_without(
    logged: Callable[[], str],
) -> None:
    new = ProcessingTrigger(resource_id="file_1", poll_interval=3, not_yet_known=[1], another=2)
    assert {"not_yet_known", "another"}.isdisjoint(new.serialize()[1])
    assert "does not know another, not_yet_known" in logged()


def test_neither_what_is_stored_nor_its_repr_nor_its_event_holds_the_key(held: str, emulator: RunningEmulator) -> None:
    emulator.control.fault(match={"method": "GET"}, status=401)
    waiting = trigger(held)
    event = fire(waiting)
    for text in (repr(waiting), str(waiting.serialize()), str(vars(waiting)), json.dumps(event)):
        assert emulator.api_key not in text


@pytest.mark.parametrize("outcome", ["final", "timeout", "error"])
def test_an_event_of_its_own_is_read(outcome: str) -> None:
    event = {"outcome": outcome, "id": "file_1", "status": None, "message": None, "not_yet_known": 1}
    assert read_event(event, "file_1") == event


@pytest.mark.parametrize(
    "event",
    [None, [], "final", {}, {"id": "file_1"}, {"outcome": "final"}, {"outcome": "done", "id": "file_1"}],
    ids=repr,
)
def test_an_event_of_something_else_is_refused_with_what_to_do(event: object) -> None:
    with pytest.raises(IttybitTriggerEventError, match=r"file_1 .*Clear the task") as caught:
        read_event(event, "file_1")
    assert caught.value.resource_id == "file_1"


def test_an_event_of_another_resource_is_refused() -> None:
    with pytest.raises(IttybitTriggerEventError):
        read_event({"outcome": "final", "id": "file_2"}, "file_1")


@pytest.mark.parametrize(("deadline", "pause", "net"), [(100, 1, 160), (100, 60, 220), (-100, 1, 60), (0, 31, 62)])
def test_the_safety_net_is_later_than_the_deadline(deadline: int, pause: int, net: int) -> None:
    with time_machine.travel(NOW, tick=False):
        assert safety_net(float(NOW + deadline), pause) == timedelta(seconds=net)


def test_without_a_deadline_there_is_no_safety_net() -> None:
    assert safety_net(None, 10) is None
