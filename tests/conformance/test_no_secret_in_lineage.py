"""Neither key nor signature is in what tells of media: assets, their events, lineage, and a watcher's position.

The other searches look into lineage as well, after each task; here are the names in it that could hold a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from secret_search import everything_logged
from task_running import rebuilt
from unit.transport.scripted_server import Reply, ScriptedServer, no
from unit.triggers.watching import AssetStore

from airflow_provider_ittybit.exceptions import IttybitInputError
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from secret_search import Seen

    from airflow_provider_ittybit.emulator.running import RunningEmulator

CANARY = "c4n4ryThatOpensTheBucket"
KEY = "ittybit_live_k3yThatNobodyMaySee"
SIGNED = [
    f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={CANARY}",
    f"sv=2024-08-04&se=2026-01-01T00%3A00%3A00Z&sig={CANARY}%3D",
    f"token={CANARY}",
]
LONGEST = 30.0
AT = 1_760_000_000


@pytest.fixture
def seen() -> Iterator[Seen]:
    with everything_logged() as seen:
        yield seen


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ScriptedServer]]:
    """Point the default connection at a server that answers by a script."""
    with contextlib.ExitStack() as stack:

        def start(*steps: Any, version: str = "files-flat") -> ScriptedServer:
            server = stack.enter_context(ScriptedServer(*steps))
            extra = {"api_version": version, "max_retries": 0}
            connection = {"conn_type": "ittybit", "host": server.url, "password": KEY, "extra": extra}
            monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
            return server

        yield start


def openlineage(seen: Seen) -> str:
    """Return what OpenLineage was told, in the form in which it is sent."""
    return "".join(seen.shown["lineage"]).replace('\\"', '"')


def beside_the_task(seen: Seen, secret: str) -> dict[str, str]:
    return {sink: text for sink, text in seen.found(secret).items() if sink != "task"}


def test_all_that_a_task_reads_and_makes_is_looked_into(
    seen: Seen, connect: Callable[..., RunningEmulator], web: str, tmp_path: Path
) -> None:
    emulator = connect("files-flat")
    host = emulator.api_url.partition("://")[2]
    source = f"{web}/still.png?{SIGNED[0]}"
    file = seen.run(partial(UploadMediaOperator, task_id="task", source=source))
    seen.run(partial(CreateTaskOperator, task_id="task", kind="image", input=f"{web}/clip.mp4?{SIGNED[1]}"))
    lines = tmp_path / "list.jsonl"
    seen.run(partial(ListMediaOperator, task_id="task", output_path=str(lines)))
    seen.run(partial(UpdateMediaOperator, task_id="task", media_id=file["id"], ref="a"))
    seen.run(partial(DeleteMediaOperator, task_id="task", media_id=file["id"]))
    for name in (f"{web}/still.png", lines.as_uri(), f"ittybit://{host}/files/{file['id']}"):
        assert name in repr(seen.hooks.collected_assets)
        assert name in "".join(seen.shown["lineage"]) or name.endswith(".png"), "what is read is no outlet"
    for name in ("clip.mp4", "still.png", str(lines), f"files/{file['id']}"):
        assert json.dumps(name) in openlineage(seen)
    assert beside_the_task(seen, CANARY) == {}
    assert seen.found(emulator.api_key) == {}


@pytest.mark.parametrize("scheme", ["s3", "file", "memory"])
def test_a_list_is_not_written_where_a_key_and_its_secret_stand_before_the_bucket(
    seen: Seen, connect: Callable[..., RunningEmulator], scheme: str, tmp_path: Path
) -> None:
    emulator = connect("files-flat")
    place = f"{scheme}://AKIA:{CANARY}@{tmp_path}/list.jsonl"
    refused = seen.run(partial(ListMediaOperator, task_id="task", output_path=place))
    assert isinstance(refused, IttybitInputError)
    assert "a key stands before its bucket" in str(refused)
    assert emulator.control.requests() == []
    assert beside_the_task(seen, CANARY) == {}


@pytest.mark.parametrize("query", SIGNED)
def test_names_that_ittybit_made_of_a_signed_url_are_told_without_its_query(
    seen: Seen, answering: Callable[..., ScriptedServer], query: str
) -> None:
    file = a_file(1, query)
    answering(Reply(body=json.dumps(file).encode()))
    uploading = partial(UploadMediaOperator, task_id="task", source=f"https://bucket.example/clip.mp4?{query}")
    assert seen.run(uploading)["filename"] == "clip.mp4"
    assert "clip.mp4" in "".join(seen.shown["lineage"])
    assert beside_the_task(seen, CANARY) == {}
    own = {"url": "https://you.ittybit.net/clip.mp4", "metadata": {}}
    answering(Reply(body=json.dumps({**file, **own}).encode()))
    for task in (
        partial(UpdateMediaOperator, media_id="file_1", ref="a"),
        partial(GetMediaOperator, media_id="file_1"),
        partial(MediaProcessingSensor, media_id="file_1"),
    ):
        assert seen.run(partial(task, task_id="task"))["filename"] == "clip.mp4"
    assert beside_the_task(seen, CANARY) == {}


def test_where_something_is_and_what_its_user_notes_of_it_stay_in_xcom_as_ittybit_answers(
    seen: Seen, answering: Callable[..., ScriptedServer]
) -> None:
    file = a_file(1, SIGNED[0])
    answering(Reply(body=json.dumps(file).encode()))
    found = seen.run(partial(GetMediaOperator, task_id="task", media_id="file_1"))
    assert (found["url"], found["metadata"]) == (file["url"], file["metadata"])
    assert beside_the_task(seen, CANARY).keys() == {"XCom"}


def a_file(number: int, query: str) -> dict[str, Any]:
    """Make a file as ittybit would name it if it kept all of the URL that it came from."""
    url = f"https://user:{CANARY}@bucket.example/clip.mp4?{query}"
    return {
        "id": f"file_{number}",
        "object": "source",
        "kind": "video",
        "status": "ready",
        "created": AT + number,
        "filename": f"clip.mp4?{query}",
        "folder": url,
        "url": url,
        "original": url,
        "input": {"url": url},
        "metadata": {"from": url},
    }


async def watched(trigger: MediaWatcherTrigger, store: AssetStore, number: int) -> list[Any]:
    """Let a watcher look until it told of so many, and have each look's position kept, as Airflow 3.3 does."""
    ready = rebuilt(trigger)
    ready.asset_state_store = store
    looks = type(ready).create_shared_stream_producer(ready.serialize()[1])

    events: list[Any] = []

    async def ticks() -> AsyncIterator[Any]:
        async for tick, again in looks.open_stream():
            yield tick
            stored = SimpleNamespace(broker_payload=again, outcome=SimpleNamespace(is_clean=True))
            await looks.advance([stored])
            if len(events) >= number:
                return

    try:
        async with asyncio.timeout(LONGEST):
            async for event in ready.filter_shared_stream(ticks()):
                events += [json.loads(json.dumps(event.payload))]
    finally:
        await looks.aclose()
    return events


@pytest.mark.parametrize("query", SIGNED)
def test_a_watcher_tells_and_remembers_neither_key_nor_signature(
    seen: Seen, answering: Callable[..., ScriptedServer], query: str
) -> None:
    refusal = no(500, f"Bearer {KEY} may not read https://bucket.example/a.mp4?{query} now.")
    lists = [Reply(body=json.dumps([a_file(n, query) for n in range(last, 0, -1)]).encode()) for last in (1, 2, 3)]
    answering(refusal, *lists)
    store = AssetStore()
    trigger = MediaWatcherTrigger(poll_interval=0.01, created_after=AT)
    events = asyncio.run(watched(trigger, store, 3))
    assert [event["id"] for event in events] == ["file_1", "file_2", "file_3"]
    assert all(event["filename"].startswith("clip.mp4") for event in events)
    seen.show("trigger", trigger.serialize(), trigger.shared_stream_key())
    seen.show("repr", trigger)
    seen.show("event", events)
    seen.show("position", store.values)
    assert "may not read" in "\n".join([*seen.records.lines, *map(repr, seen.events)]), "the refusal was not logged"
    assert "file_1" in "".join(seen.shown["position"])
    assert (seen.found(CANARY), seen.found(KEY)) == ({}, {})
