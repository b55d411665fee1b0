"""The line of all processes of one machine: a small file that exists only while it is needed."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
import time as clock
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import KEY, Carriers, call, settings_for
from unit.transport.scripted_server import Reply, no

from airflow_provider_ittybit.api.turns import FIRST_RATE, MEMORY
from airflow_provider_ittybit.exceptions import IttybitRateLimitError
from airflow_provider_ittybit.transport import shared_line
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.transport.blocking import BlockingTransport
from airflow_provider_ittybit.transport.shared_line import SharedLine

if TYPE_CHECKING:
    from collections.abc import Callable

Serve = Any
HOST = "http://127.0.0.1:9"


class Time:
    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def line(time: Time) -> Callable[..., SharedLine]:
    """Make what a further process would have: ``line()``."""
    return lambda **more: SharedLine(settings_for(HOST, **more), clock=time)


def folder() -> Path:
    return Path(tempfile.gettempdir()) / shared_line.FOLDER


def refuse(one: SharedLine, asked: float | None = 2) -> None:
    turn = one.turn()
    assert turn.pause() == 0
    turn.refused(asked)


def test_before_the_first_429_nobody_pays(serve: Serve, carry: Carriers) -> None:
    server = serve(Reply())
    carrier = carry(settings_for(server.url))
    for _ in range(3):
        carrier.send(call())
    assert carrier.slept == []
    assert not folder().exists()


def test_one_429_holds_back_all_who_share_the_key(line: Callable[..., SharedLine], time: Time) -> None:
    refuse(line())
    other = line().turn()
    assert other.pause() == 1.0  # then it looks again
    assert other.shut_for == 2.0
    time.now += 2
    assert other.pause() == 0


def test_settings_that_do_not_matter_to_the_limit_share_a_line_and_other_hosts_and_keys_do_not(
    line: Callable[..., SharedLine], time: Time
) -> None:
    refuse(line())
    assert line(timeout=1, max_retries=9).turn().pause() > 0
    assert SharedLine(settings_for("http://127.0.0.1:10"), clock=time).turn().pause() == 0


def test_who_waits_goes_in_order_and_apart(line: Callable[..., SharedLine], time: Time) -> None:
    refuse(line())
    turns = [line().turn() for _ in range(4)]
    gone: list[int] = []
    for turn in turns:
        turn.pause()
    while len(gone) < len(turns):
        gone += [number for number, turn in enumerate(turns) if number not in gone and turn.pause() == 0]
        time.now += 1 / FIRST_RATE / 4
    assert gone == [0, 1, 2, 3]
    assert time.now - 1_760_000_000 > 2


def test_a_refused_request_is_sent_again_before_those_who_came_later(
    line: Callable[..., SharedLine], time: Time
) -> None:
    refuse(line(), asked=0)
    first, later = line().turn(), line().turn()
    assert first.pause() == 0
    assert later.pause() > 0
    first.refused(2)
    time.now += 2
    assert first.pause() == 0


def test_who_leaves_a_ticket_unused_leaves_it_to_the_next(line: Callable[..., SharedLine], time: Time) -> None:
    refuse(line())
    left, other = line().turn(), line().turn()
    assert left.pause() == other.pause() == 1.0
    time.now += 2
    taken_over = line().turn(left.ticket)
    assert other.pause() > 0
    assert taken_over.pause() == 0
    assert taken_over.ticket is None


def test_a_ticket_counts_no_more_when_its_line_has_ended(line: Callable[..., SharedLine], time: Time) -> None:
    refuse(line())
    kept = line().turn()
    assert kept.pause() > 0
    time.now += MEMORY + 3
    for _ in range(2):  # the first finds that it has ended, the second finds nothing any more
        turn = line().turn(kept.ticket)
        assert turn.pause() == 0
        assert turn.ticket is None


def test_what_was_slept_counts_as_time_even_if_the_clock_is_set_back(
    line: Callable[..., SharedLine], time: Time
) -> None:
    refuse(line())
    turn, slept = line().turn(), 0.0
    while wait := turn.pause():
        turn.sleeps(wait)
        slept += wait
        time.now -= 0.1
    assert 2 <= slept < 4


def test_the_file_holds_no_key_and_is_for_its_owner_only(line: Callable[..., SharedLine]) -> None:
    refuse(line())
    [path] = folder().iterdir()
    assert KEY not in path.name + path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder().stat().st_mode) == 0o700


def test_a_line_ends_some_minutes_after_its_last_429_and_leaves_no_file(
    line: Callable[..., SharedLine], time: Time
) -> None:
    refuse(line())
    time.now += MEMORY + 3
    assert line().turn().pause() == 0
    assert list(folder().iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"half a li", b"\xff\x00" * 80, b"nan " * 7, b"9" * 4000])
def test_a_file_that_makes_no_sense_counts_as_none(line: Callable[..., SharedLine], content: bytes) -> None:
    refuse(line())
    [path] = folder().iterdir()
    path.write_bytes(content)
    assert line().turn().pause() == 0
    refuse(line())
    assert line().turn().pause() > 0


def test_a_lock_that_somebody_keeps_holds_up_nobody_for_long(line: Callable[..., SharedLine]) -> None:
    refuse(line())
    [path] = folder().iterdir()
    with path.open("r+b") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        assert line().turn().pause() == 0


async def test_the_event_loop_does_not_stand_still_while_somebody_keeps_the_lock(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_to_sleep(_: float) -> None:
        pytest.fail("the event loop stood still")

    settings = settings_for(serve(Reply()).url)
    SharedLine(settings).turn().refused(0)
    [path] = folder().iterdir()
    monkeypatch.setattr(shared_line, "time", SimpleNamespace(sleep=refuse_to_sleep, time=clock.time))
    async with AsyncTransport(settings) as transport:
        with path.open("r+b") as kept:
            fcntl.flock(kept, fcntl.LOCK_EX)
            assert (await transport.send(call()))["id"] == "file_1"
        assert await transport.send(call())


def test_a_folder_that_others_may_write_to_is_not_used(line: Callable[..., SharedLine]) -> None:
    folder().mkdir()
    folder().chmod(0o777)
    refuse(line())
    assert list(folder().iterdir()) == []
    assert line().turn().pause() == 0


def test_a_link_in_place_of_the_folder_or_the_file_is_not_followed(
    line: Callable[..., SharedLine], tmp_path: Path
) -> None:
    refuse(line())
    [path] = folder().iterdir()
    path.unlink()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    refuse(line())
    assert victim.read_text() == "precious"
    path.unlink()
    folder().rmdir()
    folder().symlink_to(tmp_path)
    refuse(line())
    assert [found.name for found in tmp_path.iterdir()] == ["victim"]
    folder().unlink()


def test_files_that_nobody_used_for_a_day_are_removed(line: Callable[..., SharedLine]) -> None:
    refuse(line())
    old = folder() / "line-of-yesterday"
    old.touch()
    os.utime(old, (0, 0))
    refuse(SharedLine(settings_for("http://127.0.0.1:10")))
    assert not old.exists()
    assert len(list(folder().iterdir())) == 2


def test_one_in_a_hurry_does_not_wait_but_tells_of_a_429(line: Callable[..., SharedLine], time: Time) -> None:
    hurried = SharedLine(settings_for(HOST), in_line=False, clock=time)
    refuse(hurried)
    assert hurried.turn().pause() == 0
    assert line().turn().pause() > 0


def test_many_threads_get_one_ticket_each(line: Callable[..., SharedLine], time: Time) -> None:
    refuse(line())
    patient = [SharedLine(settings_for(HOST), clock=time, lock_tries=10_000) for _ in range(32)]  # on a busy machine
    turns = [one.turn() for one in patient]
    threads = [threading.Thread(target=turn.pause) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turn.ticket for turn in turns if turn.ticket is not None) == list(range(32))


def test_a_transport_waits_for_the_turn_that_another_one_made_necessary(serve: Serve, carry: Carriers) -> None:
    server = serve(no(429, Retry_After="7"), Reply())
    refused = BlockingTransport(settings_for(server.url, max_retries=0))
    with pytest.raises(IttybitRateLimitError):
        refused.send(call())
    refused.close()
    carrier = carry(settings_for(server.url))
    assert carrier.send(call())["id"] == "file_1"
    assert 1 < sum(carrier.slept) <= 7.5  # less than 7, where the machine stood still meanwhile
    assert max(carrier.slept) <= 1.0
