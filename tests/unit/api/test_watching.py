from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ittybit.api.processing import ProcessingState
from airflow_provider_ittybit.api.watching import (
    LATE,
    MOST_KNOWN,
    Order,
    Position,
    Sieve,
    Sighting,
    facts_of,
    has_succeeded,
    sightings,
)
from airflow_provider_ittybit.exceptions import IttybitUnreadableAnswerError

T = 1_790_000_000.0


def item(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "created": "2026-01-01T00:00:00Z", "kind": "video", "status": "ready", **fields}


def seen(*created: float) -> list[Sighting]:
    return [Sighting(f"file_{when:.0f}", when) for when in created]


def names(sighted: list[Sighting]) -> list[str]:
    return [one.id for one in sighted]


@pytest.mark.parametrize("stamp", ["2026-09-21T14:13:20Z", 1_790_000_000, 1_790_000_000_000])
def test_a_sighting_has_its_time_in_seconds_however_ittybit_writes_it(stamp: object) -> None:
    (one,) = sightings([item("file_1", created=stamp)], "files")
    assert one.created == pytest.approx(T, abs=1)


@pytest.mark.parametrize(
    ("status", "state"),
    [("ready", ProcessingState.SUCCEEDED), ("waiting", ProcessingState.PROCESSING), ("failed", ProcessingState.FAILED)],
)
def test_a_sighting_has_the_state_that_the_list_shows(status: str, state: ProcessingState) -> None:
    (one,) = sightings([item("file_1", status=status)], "files")
    assert one.state is state


def test_a_list_that_shows_no_status_says_nothing_of_success() -> None:
    (one,) = sightings([{"id": "med_1", "created": T, "sources": [{"src": "https://a.example/1"}]}], "media")
    assert one.state is None


@pytest.mark.parametrize(
    "odd",
    [
        item(
            "",
        ),
        item("a/b"),
        item("file_2", created=None),
        item("file_2", created="soon"),
    ],
)
def test_what_cannot_be_placed_in_time_is_left_out(odd: dict[str, Any]) -> None:
    assert names(sightings([odd, item("file_1")], "files")) == ["file_1"]
    with pytest.raises(IttybitUnreadableAnswerError, match="list of files"):
        sightings([odd], "files")


def test_an_empty_page_is_readable() -> None:
    assert sightings([], "files") == []


def test_what_an_event_tells_holds_no_url_and_nothing_large() -> None:
    told = facts_of(
        item("file_1", url="https://x.example/a?signature=s3cret", folder="in", filename="a.mp4", metadata={"a": 1}),
        "files",
    )
    assert told == {
        "id": "file_1",
        "resource": "files",
        "created": "2026-01-01T00:00:00Z",
        "kind": "video",
        "folder": "in",
        "filename": "a.mp4",
    }


def test_facts_are_left_out_where_ittybit_gives_none() -> None:
    assert facts_of({"id": "job_1", "created_at": 5, "folder": None}, "jobs") == {
        "id": "job_1",
        "resource": "jobs",
        "created": 5,
    }


@pytest.mark.parametrize(
    ("status", "expected"), [("ready", True), ("failed", False), ("cancelled", False), ("waiting", None)]
)
def test_how_processing_ended(status: str, expected: object) -> None:
    assert has_succeeded(item("file_1", status=status)) is expected


@pytest.mark.parametrize(
    ("sieve", "facts", "passes"),
    [
        (Sieve(), {}, True),
        (Sieve(kind="video"), {"kind": "video"}, True),
        (Sieve(kind="video"), {"kind": "image"}, False),
        (Sieve(kind="video"), {}, False),
        (Sieve(folder="in"), {"folder": "in"}, True),
        (Sieve(folder="/in/"), {"folder": "in/talks"}, True),
        (Sieve(folder="in"), {"folder": "/in"}, True),
        (Sieve(folder="in"), {"folder": "inbox"}, False),
        (Sieve(folder="in/talks"), {"folder": "in"}, False),
        (Sieve(folder="in"), {}, False),
        (Sieve(folder="/"), {"folder": "in"}, True),
        (Sieve("video", "in"), {"kind": "image", "folder": "in"}, False),
    ],
)
def test_the_sieve_lets_through_what_is_looked_for(sieve: Sieve, facts: dict[str, Any], *, passes: bool) -> None:
    assert sieve.lets_through(facts) is passes


@pytest.mark.parametrize(
    ("sieve", "facts", "may_pass"),
    [
        (Sieve(kind="video"), {}, True),
        (Sieve(kind="video"), {"kind": "image"}, False),
        (Sieve("video", "in"), {"folder": "in"}, True),
        (Sieve("video", "in"), {"folder": "out"}, False),
        (Sieve(folder="in"), {}, False),
    ],
)
def test_only_what_has_no_kind_yet_may_turn_out_to_be_looked_for(
    sieve: Sieve, facts: dict[str, Any], *, may_pass: bool
) -> None:
    assert sieve.may_let_through(facts) is may_pass


@pytest.mark.parametrize(
    ("pages", "newest_first"),
    [
        ([(3, 2, 1)], True),
        ([(3, 3), (3, 2)], True),
        ([(1, 2, 3)], False),
        ([(2, 2)], False),
        ([(5, 1, 9)], False),
        ([(3,)], False),
        ([()], False),
        ([(4, 5, 3)], True),
    ],
)
def test_a_list_is_newest_first_once_its_end_is_older_than_its_top(
    pages: list[tuple[int, ...]], *, newest_first: bool
) -> None:
    order = Order()
    for page in pages:
        order.take(seen(*page))
    assert order.is_newest_first is newest_first


def test_what_is_there_at_the_beginning_is_not_new() -> None:
    position = Position()
    assert not position.has_begun
    position.begin(seen(T, T - 5))
    assert position.has_begun
    assert position.new(seen(T, T - 5)) == []
    assert names(position.new(seen(T + 1, T, T - 5, T - 6))) == [f"file_{T + 1:.0f}"]


def test_after_an_empty_beginning_everything_is_new() -> None:
    position = Position()
    position.begin([])
    assert len(position.new(seen(5.0, T))) == 2


def test_what_is_new_comes_oldest_first_and_each_once() -> None:
    position = Position()
    position.begin(seen(T))
    assert names(position.new(seen(T + 2, T + 1, T + 2))) == [f"file_{T + n:.0f}" for n in (1, 2)]


def test_what_was_told_of_is_not_new_again() -> None:
    position = Position()
    position.begin([])
    for one in position.new(seen(T)):
        position.tell(one.id, one.created)
    assert position.new(seen(T)) == []


def test_what_is_waited_for_is_not_new_again_and_told_of_once() -> None:
    position = Position(T - 100, {}, {f"file_{T:.0f}": T})
    assert position.new(seen(T)) == []
    position.tell(f"file_{T:.0f}", T)
    assert position.waiting == {}
    assert position.new(seen(T)) == []


def test_what_appears_late_is_new_within_ten_minutes() -> None:
    position = Position()
    position.begin([])
    for one in position.new(seen(T)):
        position.tell(one.id, one.created)
    position.settle([])
    assert names(position.new(seen(T - LATE + 1, T - LATE - 1))) == [f"file_{T - LATE + 1:.0f}"]


def test_the_floor_never_rises_above_what_is_not_told_of_yet() -> None:
    position = Position()
    position.begin([])
    old, young = position.new(seen(T, T + 5 * LATE))
    position.tell(young.id, young.created)
    position.settle([old.created])
    assert names(Position.from_json(position.to_json()).new(seen(T, T + 5 * LATE))) == [old.id]


def test_the_floor_never_falls() -> None:
    position = Position(T, {f"file_{T:.0f}": T})
    position.settle([T - 50])
    assert position.floor == T


def test_a_position_stays_small_and_exact_after_a_burst() -> None:
    position = Position()
    position.begin([])
    burst = position.new(seen(*(T + n / 10 for n in range(3 * MOST_KNOWN))))
    told = burst[: 2 * MOST_KNOWN]
    for one in told:
        position.tell(one.id, one.created)
    position.settle(one.created for one in burst[2 * MOST_KNOWN :])
    kept = Position.from_json(json.loads(json.dumps(position.to_json())))
    assert len(kept.known) <= MOST_KNOWN
    assert len(json.dumps(kept.to_json())) < 65_535
    assert names(kept.new(burst)) == names(burst[2 * MOST_KNOWN :])


def test_what_appears_late_after_500_others_is_missed_if_it_is_older_than_these() -> None:
    position = Position()
    position.begin([])
    for one in position.new(seen(*(T + n for n in range(MOST_KNOWN + 1)))):
        position.tell(one.id, one.created)
    position.settle([])
    older, younger = Sighting("file_older", T + 0.5), Sighting("file_younger", T + 1.5)
    assert names(position.new([older, younger])) == [younger.id]


def test_500_known_and_750_waited_for_fit_into_the_64_kib_that_the_documentation_names() -> None:
    known = {f"file_{n:020}": T + n / 1000 for n in range(MOST_KNOWN)}
    waiting = {f"file_{n:020}": T + n / 1000 for n in range(MOST_KNOWN, MOST_KNOWN + 750)}
    assert len(json.dumps(Position(T + 0.001, known, waiting).to_json())) <= 65_535


def test_those_of_the_same_moment_are_not_parted_by_the_limit() -> None:
    position = Position()
    position.begin([])
    same = [Sighting(f"file_{n}", T) for n in range(MOST_KNOWN + 7)]
    for one in position.new(same):
        position.tell(one.id, one.created)
    position.settle([])
    assert Position.from_json(position.to_json()).new(same) == []


def test_a_position_survives_being_written_down() -> None:
    position = Position(T, {"file_1": T}, {"file_2": T + 1})
    again = Position.from_json(json.loads(json.dumps(position.to_json())))
    assert again.to_json() == position.to_json()


def test_nothing_kept_is_a_position_that_has_not_begun() -> None:
    assert not Position.from_json(None).has_begun


@pytest.mark.parametrize(
    "stored", [{}, [], "text", {"floor": None, "known": {}, "waiting": {}}, {"floor": 1.0, "known": [], "waiting": {}}]
)
def test_a_position_that_something_else_wrote_is_refused_rather_than_begun_anew(stored: object) -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match="delete it to begin anew"):
        Position.from_json(stored)
