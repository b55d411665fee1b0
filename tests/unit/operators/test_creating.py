"""However often Airflow tries, one run of a task has ittybit make one thing."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from task_running import Run, Store, deferral_of, run_to_end, sent, task_context

from airflow_provider_ittybit.durability import TASK_KEY
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitProcessingFailedError,
    IttybitRateLimitError,
    IttybitTransportError,
)
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.creating import KEY_LIVES
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

GENERATIONS = ("files-enveloped", "files-flat", "tasks", "jobs")
LISTED = GENERATIONS[:3]
FLAT = GENERATIONS[:2]
WORKFLOW: dict[str, Any] = {"kind": "workflow", "options": None}
IMAGE: dict[str, Any] = {"workflow": [{"kind": "image", "ref": "poster"}]}
SUBTITLES: dict[str, Any] = {"workflow": [{"kind": "subtitles", "ref": "subtitles"}]}
URL = "https://cdn.example/a.mp4"
EACH = pytest.mark.parametrize("generation", GENERATIONS)
Try = Any


@pytest.fixture
def held(connect: Connect) -> Callable[..., RunningEmulator]:
    """Connect to an emulator that processes nothing and fetches nothing."""

    def start(generation: str) -> RunningEmulator:
        emulator = connect(generation, max_retries=0)
        emulator.control.settings(processing="held")
        return emulator

    return start


def attempt(store: Store | None, *, run: Run | None = None, **arguments: Any) -> dict[str, Any]:
    """Try once, with a fresh operator."""
    arguments = {"kind": "image", "input": URL, "options": {"width": 64}, "poll_interval": 0.01, **arguments}
    context = task_context(run, store=store)
    result: dict[str, Any] = run_to_end(lambda: CreateTaskOperator(task_id="task", **arguments), context).result
    return result


def lose_the_answer(emulator: RunningEmulator, store: Store | None, **arguments: Any) -> None:
    """Try once: ittybit does what it is asked, but its answer never arrives."""
    emulator.control.fault(match={"method": "POST"}, drop="after")
    with pytest.raises(IttybitTransportError):
        attempt(store, **arguments)


def made() -> list[str]:
    """List the ids of all that was made, newest first."""
    with IttybitHook() as hook:
        return [item["id"] for item in hook.list_tasks()]


@EACH
def test_a_retry_returns_what_an_earlier_try_created(generation: str, held: Connect) -> None:
    emulator, store = held(generation), Store()
    first, second = attempt(store), attempt(store)
    assert first["id"] == second["id"]
    assert len(sent(emulator, "POST")) == 1


@EACH
def test_a_retry_waits_for_what_an_earlier_try_deferred_for(generation: str, connect: Connect, web: str) -> None:
    emulator, store = connect(generation), Store()
    emulator.control.settings(processing="held")
    arguments: dict[str, Any] = {"input": f"{web}/clip.mp4", "wait_for_processing": True, "deferrable": True}
    task = CreateTaskOperator(task_id="task", kind="image", options={"width": 64}, **arguments)
    waited_for = deferral_of(task, task_context(store=store)).trigger.resource_id
    emulator.control.release()
    emulator.control.settle()
    assert attempt(store, **arguments)["id"] == waited_for
    assert len(sent(emulator, "POST")) == 1


@EACH
def test_a_cleared_task_asks_anew(generation: str, held: Connect) -> None:
    emulator, store = held(generation), Store()
    first, second = attempt(store), attempt(store, run=Run(max_tries=1))
    assert first["id"] != second["id"]
    keys = [row["idempotency_key"] for row in emulator.control.requests(method="POST")]
    assert len(keys) == 2
    assert generation != "jobs" or len({*keys}) == 2


@pytest.mark.parametrize("other", [{"kind": "video"}, {"options": {"width": 32}}, {"input": f"{URL}?id=2"}], ids=repr)
def test_another_wish_asks_anew(other: dict[str, Any], held: Connect) -> None:
    held("files-flat")
    store = Store()
    assert attempt(store)["id"] != attempt(store, **other)["id"]


def test_mapped_tasks_each_have_their_own(held: Connect) -> None:
    held("jobs")
    first, second = (attempt(Store(), run=Run(map_index=index)) for index in range(2))
    assert first["id"] != second["id"]


def test_a_url_that_is_only_signed_anew_is_the_same_wish(held: Connect) -> None:
    held("tasks")
    store = Store()
    signed = [f"{URL}?X-Amz-Date=2026&X-Amz-Signature={number}" for number in range(2)]
    first, second = (attempt(store, input=url) for url in signed)
    assert first["id"] == second["id"]
    assert all(word not in "".join(store.values.values()) for word in ("cdn", "Signature"))


@EACH
def test_what_failed_is_asked_for_anew(generation: str, connect: Connect, web: str) -> None:
    emulator, store = connect(generation), Store()
    arguments: dict[str, Any] = {"input": f"{web}/clip.mp4", "wait_for_processing": True}
    emulator.control.fault(match={"method": "POST"}, fail_processing="moov atom not found")
    with pytest.raises(IttybitProcessingFailedError, match="moov atom not found"):
        attempt(store, **arguments)
    assert attempt(store, **arguments)["status"] in ("completed", "succeeded")
    assert len(sent(emulator, "POST")) == len(made()) == 2


@EACH
def test_what_is_gone_is_asked_for_anew(generation: str, held: Connect) -> None:
    emulator, store = held(generation), Store()
    first = attempt(store)
    emulator.control.reset()
    second = attempt(store)
    assert second["id"] != first["id"]
    assert made() == [second["id"]]


def test_while_it_cannot_be_read_nothing_is_asked_for(held: Connect) -> None:
    emulator, store = held("files-flat"), Store()
    attempt(store)
    emulator.control.fault(match={"method": "GET"}, status=503, times=1)
    with pytest.raises(IttybitError):
        attempt(store)
    assert len(sent(emulator, "POST")) == 1


@pytest.mark.parametrize("generation", LISTED)
def test_a_lost_answer_is_found_in_the_list(generation: str, held: Connect) -> None:
    emulator, store = held(generation), Store()
    lose_the_answer(emulator, store)
    [lost] = made()
    attempt(None, options={"width": 32}, run=Run(task_id="task", run_id="other"))
    assert attempt(store)["id"] == lost
    assert attempt(store)["id"] == lost
    assert len(sent(emulator, "POST")) == 2


@pytest.mark.parametrize("generation", LISTED)
@pytest.mark.parametrize("status", [429, 401])
def test_a_refusal_leaves_no_note_by_which_the_wish_of_another_run_could_be_found(
    generation: str, held: Connect, status: int
) -> None:
    emulator, store = held(generation), Store()
    emulator.control.fault(match={"method": "POST"}, status=status, retry_after=0)
    with pytest.raises(IttybitError):
        attempt(store)
    assert store.get(TASK_KEY)["since"] is None
    theirs = attempt(None, run=Run(run_id="other"))
    assert attempt(store)["id"] != theirs["id"]


def test_a_refusal_does_not_take_back_the_note_of_a_try_before(held: Connect) -> None:
    emulator, store = held("files-flat"), Store()
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        attempt(store)
    since = store.get(TASK_KEY)["since"]
    emulator.control.fault(match={"method": "POST"}, status=429, retry_after=0)
    with pytest.raises(IttybitRateLimitError):
        attempt(store)
    assert store.get(TASK_KEY)["since"] == since is not None


@pytest.mark.parametrize("generation", LISTED)
@pytest.mark.parametrize(
    "other", [{"options": {"width": 32}}, {"kind": "video"}, {"input": "https://cdn.example/b.mp4"}], ids=repr
)
def test_what_others_asked_for_is_not_taken_for_it(generation: str, other: dict[str, Any], held: Connect) -> None:
    emulator, store = held(generation), Store()
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        attempt(store)
    theirs = attempt(None, **other, run=Run(run_id="other"))
    ours = attempt(store)
    assert ours["id"] != theirs["id"]
    assert len(made()) == 2


@pytest.mark.parametrize(
    ("generation", "ours", "theirs"),
    [
        *((generation, {}, {"options": {"width": 64, "format": "webp"}}) for generation in LISTED),
        *((generation, {"options": None}, {"options": {"width": 64}}) for generation in LISTED),
        *((generation, {"fields": {"quality": 50}}, {}) for generation in FLAT),
        *((generation, {}, {"fields": {"quality": 50}}) for generation in FLAT),
        *((generation, {**WORKFLOW, **IMAGE}, {**WORKFLOW, **SUBTITLES}) for generation in FLAT),
        *((generation, {**WORKFLOW, **IMAGE}, WORKFLOW) for generation in FLAT),
        *((generation, WORKFLOW, {**WORKFLOW, **IMAGE}) for generation in FLAT),
    ],
    ids=str,
)
def test_what_others_asked_for_with_more_or_less_is_not_taken_for_it(
    generation: str, ours: dict[str, Any], theirs: dict[str, Any], held: Connect
) -> None:
    emulator, store = held(generation), Store()
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        attempt(store, **ours)
    other = attempt(None, **theirs, run=Run(run_id="other"))
    assert attempt(store, **ours)["id"] != other["id"]
    assert len(made()) == 2


@pytest.mark.parametrize(
    ("generation", "wish"),
    [
        *((generation, {"options": None}) for generation in LISTED),
        *((generation, {**WORKFLOW, **IMAGE}) for generation in FLAT),
        *((generation, {"filename": "a.png", "folder": "a", "ref": "poster"}) for generation in FLAT),
        *((generation, {"webhook_url": "https://me.example/hook"}) for generation in LISTED),
        *((generation, {"options": {"width": 64, "ref": "poster"}}) for generation in LISTED),
        *((generation, {"fields": {"quality": 50, "background": None}}) for generation in FLAT),
        ("tasks", {"destination": "s3://bucket/key", "connection_id": "con_1"}),
    ],
    ids=str,
)
def test_a_lost_answer_is_found_whatever_was_said_of_the_task(
    generation: str, wish: dict[str, Any], held: Connect
) -> None:
    emulator, store = held(generation), Store()
    lose_the_answer(emulator, store, **wish)
    [lost] = made()
    assert attempt(store, **wish)["id"] == lost


@pytest.mark.parametrize(
    ("generation", "shown", "is_ours"),
    [
        ("files-flat", {"ref": "poster"}, False),
        ("files-flat", {"filename": "b.png"}, False),
        ("files-flat", {"folder": "b"}, False),
        ("files-flat", {"workflow": [{"kind": "image"}]}, False),
        ("files-flat", {"options": {"width": 64, "ref": "poster"}}, False),
        ("files-flat", {"options": {}}, False),
        ("files-flat", {"options": None}, True),
        ("files-flat", {"ref": None, "filename": "", "workflow": [], "metadata": {}}, True),
        ("files-flat", {"options": {"width": 64, "format": None, "layers": []}}, True),
        ("tasks", {"destination": "s3://bucket/key"}, False),
        ("tasks", {"connection_id": "con_default"}, True),
        ("jobs", {"metadata": {"whose": "theirs"}}, False),
        ("jobs", {"output": "https://store.ittybit.net/org/out.png"}, True),
    ],
    ids=str,
)
def test_what_a_list_shows_beyond_the_wish_is_anothers_unless_it_is_nothing_or_ittybits_own(
    generation: str, shown: dict[str, Any], held: Connect, monkeypatch: pytest.MonkeyPatch, *, is_ours: bool
) -> None:
    emulator, store = held(generation), Store()
    lose_the_answer(emulator, store)
    [lost] = made()
    list_tasks = IttybitHook.list_tasks
    monkeypatch.setattr(
        IttybitHook, "list_tasks", lambda *args, **more: ({**item, **shown} for item in list_tasks(*args, **more))
    )
    with time_machine.travel(timedelta(seconds=KEY_LIVES + 60 if generation == "jobs" else 0), tick=True):
        assert (attempt(store)["id"] == lost) is is_ours


@pytest.mark.parametrize("generation", LISTED)
def test_what_was_made_before_is_not_taken_for_it(generation: str, held: Connect) -> None:
    emulator, store = held(generation), Store()
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        attempt(store)
    note = store.get(TASK_KEY)
    assert abs(note["since"] - time.time()) < 10
    before = attempt(None, run=Run(run_id="before"))
    store.set(TASK_KEY, note | {"since": note["since"] + 3600})
    assert attempt(store)["id"] != before["id"]


def test_where_nothing_is_found_a_warning_says_what_to_look_for(
    held: Connect, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    emulator, store = held("files-flat"), Store()
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        attempt(store)
    attempt(store)
    assert "a task of the kind 'image' and saw no answer: asking again" in caplog.text + "".join(capfd.readouterr())


def test_a_job_whose_answer_was_lost_is_asked_for_by_the_same_key(held: Connect) -> None:
    emulator, store = held("jobs"), Store()
    lose_the_answer(emulator, store)
    [lost] = made()
    emulator.control.forget_requests()
    assert attempt(store)["id"] == lost
    assert sent(emulator) == ["POST /jobs"]


def test_a_job_is_looked_for_when_ittybit_has_forgotten_the_key(held: Connect) -> None:
    emulator, store = held("jobs"), Store()
    lose_the_answer(emulator, store)
    [lost] = made()
    with time_machine.travel(timedelta(seconds=KEY_LIVES + 60), tick=True):
        assert attempt(store)["id"] == lost
    assert len(sent(emulator, "POST")) == 1


def test_a_job_that_failed_is_asked_for_anew_by_another_key(connect: Connect, web: str) -> None:
    emulator, store = connect("jobs"), Store()
    arguments: dict[str, Any] = {"input": f"{web}/clip.mp4", "wait_for_processing": True}
    emulator.control.fault(match={"method": "POST"}, fail_processing="no")
    with pytest.raises(IttybitProcessingFailedError):
        attempt(store, **arguments)
    attempt(store, **arguments)
    attempt(store, **arguments)
    keys = [row["idempotency_key"] for row in emulator.control.requests(method="POST")]
    assert len(keys) == len(set(keys)) == 2


def test_before_airflow_3_3_the_key_alone_keeps_a_retry_from_making_a_second_job(held: Connect) -> None:
    emulator = held("jobs")
    first, second = attempt(None), attempt(None)
    assert first["id"] == second["id"]
    assert len(sent(emulator, "POST")) == 2
    assert attempt(None, run=Run(max_tries=1))["id"] != first["id"]


@EACH
def test_what_is_not_durable_asks_at_every_try_and_keeps_no_note(generation: str, held: Connect) -> None:
    held(generation)
    store = Store()
    first, second = attempt(store, durable=False), attempt(store, durable=False)
    assert first["id"] != second["id"]
    assert store.values == {}


def test_a_key_of_ones_own_is_sent_as_it_is(held: Connect) -> None:
    emulator = held("jobs")
    attempt(Store(), idempotency_key="mine")
    attempt(Store(), idempotency_key="mine", run=Run(max_tries=1))
    assert [row["idempotency_key"] for row in emulator.control.requests(method="POST")] == ["mine", "mine"]


@pytest.mark.parametrize("generation", LISTED)
def test_a_first_try_costs_one_more_request_for_ittybits_clock(generation: str, held: Connect) -> None:
    emulator = held(generation)
    attempt(Store())
    assert len(sent(emulator)) == 2
    emulator.control.forget_requests()
    attempt(None)
    assert len(sent(emulator)) == 1


@pytest.mark.parametrize("kept", ["text", {}, {"task": 1}, {"task": ["a", "b"], "number": "x", "since": 1, "id": 1}])
def test_a_note_of_another_version_is_ignored(kept: object, held: Connect) -> None:
    emulator, store = held("files-flat"), Store()
    store.set(TASK_KEY, kept)
    attempt(store)
    assert len(sent(emulator, "POST")) == 1
