"""The triggerer's reads give what the worker's reads give, in every API generation."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitConfigurationError,
    IttybitInputError,
    IttybitNotFoundError,
    IttybitServerError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.hooks.ittybit import IttybitHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
ORDERING = ("media", "tasks", "jobs")
NAMES = ["a.mp4", "b.png", "c.mp3", "d.mp4", "e.png"]
Filled = Any


@pytest.fixture
async def closing() -> AsyncIterator[Callable[[IttybitHook], IttybitHook]]:
    """Close the triggerer's connections of a hook at the end."""
    hooks: list[IttybitHook] = []

    def note(hook: IttybitHook) -> IttybitHook:
        hooks.append(hook)
        return hook

    yield note
    for hook in hooks:
        await hook.aclose()


Closing = Any


@pytest.mark.parametrize("version", GENERATIONS)
async def test_one_resource_is_the_same_both_ways(filled: Filled, closing: Closing, version: str) -> None:
    hook, [media_id] = filled(version, "a.mp4")
    closing(hook)
    assert await hook.aget_media(media_id) == hook.get_media(media_id)


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat", "tasks", "jobs"])
async def test_one_task_is_the_same_both_ways(held: Any, closing: Closing, version: str) -> None:
    hook = closing(held(version))
    task = hook.create_task("image", "https://cdn.example/a.mp4")
    assert await hook.aget_task(task["id"]) == hook.get_task(task["id"])


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("parameters", [{}, {"limit": 2}, {"max_items": 3, "limit": 2}, {"max_items": 0}])
async def test_a_list_is_the_same_both_ways_with_the_same_requests(
    filled: Filled, closing: Closing, emulator: Any, *, version: str, parameters: dict[str, Any]
) -> None:
    hook, _ = filled(version, *NAMES)
    closing(hook)
    emulator.control.forget_requests()
    blocking = list(hook.list_media(**parameters))
    asked = [(r["method"], r["path"], r["query"], r["version"]) for r in emulator.control.requests()]
    emulator.control.forget_requests()
    assert [item async for item in hook.alist_media(**parameters)] == blocking
    assert [(r["method"], r["path"], r["query"], r["version"]) for r in emulator.control.requests()] == asked


async def test_a_list_with_a_filter_is_the_same_both_ways(held: Any, closing: Closing) -> None:
    hook = closing(held("tasks"))
    for kind in ("image", "audio"):
        hook.create_task(kind, "https://cdn.example/a.mp4")
    wanted = {"resource": "tasks", "status": "succeeded"}
    assert [task async for task in hook.alist_media(**wanted)] == list(hook.list_media(**wanted))
    wanted = {"resource": "tasks", "kind": "image"}
    assert [task async for task in hook.alist_media(**wanted)] == list(hook.list_media(**wanted)) != []


async def test_a_mistyped_kind_is_told_in_the_triggerer_too(filled: Filled, closing: Closing, logged: Any) -> None:
    hook, _ = filled("files-flat", *NAMES)
    closing(hook)
    assert [item async for item in hook.alist_media(kind="vidio")] == []
    assert "no item has the kind 'vidio'" in logged()


@pytest.mark.parametrize("version", ["media", "files-enveloped", "files-flat", "jobs"])
async def test_a_list_of_one_kind_is_the_same_both_ways(filled: Filled, closing: Closing, version: str) -> None:
    hook, _ = filled(version, *NAMES)
    closing(hook)
    found = [item["id"] async for item in hook.alist_media(kind="video", limit=2)]
    assert found == [item["id"] for item in hook.list_media(kind="video", limit=2)]
    assert len(found) == 2


@pytest.mark.parametrize("version", ORDERING)
async def test_a_list_in_another_order_is_the_same_both_ways(filled: Filled, closing: Closing, version: str) -> None:
    hook, ids = filled(version, *NAMES)
    closing(hook)
    assert [item["id"] async for item in hook.alist_media(order="asc", limit=2)] == ids


@pytest.mark.parametrize("version", GENERATIONS)
async def test_processing_is_the_same_both_ways(
    hook_for: Any, closing: Closing, emulator: Any, web: str, version: str
) -> None:
    emulator.control.settings(processing="after_reads:3")
    hook = closing(hook_for(version))
    made = hook.upload_media(f"{web}/clip.mp4")
    first, second = await hook.aget_processing(made["id"]), hook.get_processing(made["id"])
    assert first.state is second.state
    await hook.aget_processing(made["id"])
    done = await hook.aget_processing(made["id"])
    assert done.state.is_final
    assert done == hook.get_processing(made["id"])


@pytest.mark.parametrize("version", GENERATIONS)
async def test_a_failure_reads_the_same_both_ways(
    hook_for: Any, closing: Closing, emulator: Any, web: str, version: str
) -> None:
    emulator.control.fault(fail_processing="The moov atom is missing.")
    hook = closing(hook_for(version))
    made = hook.upload_media(f"{web}/clip.mp4")
    emulator.control.settle()
    assert await hook.aget_processing(made["id"]) == hook.get_processing(made["id"])
    assert "moov" in ((await hook.aget_processing(made["id"])).error or "")


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(("status", "kind"), [(404, IttybitNotFoundError), (503, IttybitServerError)])
async def test_a_refusal_is_the_same_error_both_ways(
    hook_for: Any, closing: Closing, emulator: Any, *, version: str, status: int, kind: type[Exception]
) -> None:
    emulator.control.fault(status=status, message="Gänse only.", times=0)
    hook = closing(hook_for(version, max_retries=0))
    media_id = {"media": "med_1", "tasks": "run_1", "jobs": "job_1"}.get(version, "file_1")
    with pytest.raises(kind) as blocking:
        hook.get_media(media_id)
    with pytest.raises(kind) as asynchronous:
        await hook.aget_media(media_id)
    same = ("status", "detail", "kind", "method", "path")
    assert [getattr(blocking.value, name) for name in same] == [getattr(asynchronous.value, name) for name in same]
    assert blocking.value.request_id != asynchronous.value.request_id  # type: ignore[attr-defined] # both have one


async def test_what_a_generation_lacks_is_refused_before_any_request(
    hook_for: Any, closing: Closing, emulator: Any
) -> None:
    hook = closing(hook_for("media"))
    with pytest.raises(IttybitUnsupportedError):
        await hook.aget_task("task_1")
    with pytest.raises(IttybitUnsupportedError):
        _ = [item async for item in hook.alist_media(resource="tasks")]
    with pytest.raises(IttybitInputError):
        await hook.aget_media("")
    assert emulator.control.requests() == []


async def test_a_missing_connection_is_told_in_the_triggerer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", raising=False)
    with pytest.raises(IttybitConfigurationError, match="no Airflow connection 'ittybit_default'"):
        await IttybitHook().aget_media("file_1")


async def test_a_wrong_key_is_told_in_the_triggerer_too(connect: Any, closing: Closing, monkeypatch: Any) -> None:
    emulator = connect("files-flat")
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", emulator.airflow_connection().replace(emulator.api_key, "wrong"))
    with pytest.raises(IttybitAuthenticationError, match="not valid"):
        await closing(IttybitHook()).aget_media("file_1")


async def test_many_reads_at_once_share_their_connections(filled: Filled, closing: Closing, emulator: Any) -> None:
    hook, ids = filled("files-flat", *NAMES)
    closing(hook)
    emulator.control.forget_requests()
    read = await asyncio.gather(*(hook.aget_media(media_id) for media_id in ids * 4))
    assert [item["id"] for item in read] == ids * 4
    assert len(emulator.control.requests()) == 20


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda hook: pickle.loads(pickle.dumps(hook))],  # noqa: S301 - our own bytes
)
async def test_a_copy_takes_no_connection_of_the_triggerer_along(
    filled: Filled, closing: Closing, duplicate: Callable[[IttybitHook], IttybitHook]
) -> None:
    hook, [media_id] = filled("files-flat", "a.mp4")
    closing(hook)
    await hook.aget_media(media_id)
    twin = closing(duplicate(hook))
    assert twin._async_transport is None
    assert (await twin.aget_media(media_id))["id"] == media_id


async def test_after_closing_a_later_read_opens_a_new_connection(filled: Filled, closing: Closing) -> None:
    hook, [media_id] = filled("files-flat", "a.mp4")
    closing(hook)
    await hook.aget_media(media_id)
    await hook.aclose()
    await hook.aclose()
    assert (await hook.aget_media(media_id))["id"] == media_id
