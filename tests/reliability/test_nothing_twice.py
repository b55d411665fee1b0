"""An answer that is lost, in every generation: the next try of a durable task looks, and makes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import Store, sent, task_context

from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

URL = "https://cdn.example/talks/keynote.mp4"
TAKE_BYTES = ("media", "files-enveloped", "files-flat")
CASES = [
    *(("bytes", version) for version in TAKE_BYTES),
    *(("URL", version) for version in ("media", *TAKE_BYTES[1:], "tasks", "jobs")),
    *(("task", version) for version in (*TAKE_BYTES[1:], "tasks", "jobs")),
]
NOT_TO_BE_FOUND = {("URL", "media")}
TRACES = {
    "bytes": "clip.mp4",
    "URL": URL,
    "task": f"of the kind 'image' with the input '{URL}'",
}


@pytest.fixture
def bytes_of_a_clip(tmp_path: Path) -> str:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"moving pictures")
    return str(path)


def things(what: str) -> list[str]:
    """List what is there by now."""
    with IttybitHook() as hook:
        found = hook.list_tasks() if what == "task" else hook.list_media()
        return [str(item["id"]) for item in found]


@pytest.mark.parametrize(("what", "version"), CASES)
def test_what_was_done_without_an_answer_is_not_done_again(
    connect: Callable[..., RunningEmulator], bytes_of_a_clip: str, *, what: str, version: str
) -> None:
    emulator, store = connect(version, max_retries=0), Store()
    emulator.control.settings(processing="held")

    def attempt() -> Any:
        task = CreateTaskOperator(task_id="task", kind="image", input=URL)
        if what != "task":
            task = UploadMediaOperator(task_id="task", source=bytes_of_a_clip if what == "bytes" else URL)
        return task.execute(task_context(store=store))

    method = "PUT" if what == "bytes" and version != "media" else "POST"
    emulator.control.fault(match={"method": method}, drop="after")
    with pytest.raises(IttybitError) as caught:
        attempt()
    if version != "jobs":
        assert "before sending it again, look for" in str(caught.value)
        assert TRACES[what] in str(caught.value)
    made = attempt()
    there = things(what)
    if (what, version) in NOT_TO_BE_FOUND:
        assert len(there) == 2
        return
    assert there == [made["id"]]
    assert len(sent(emulator, method)) == (2 if (what, version) == ("task", "jobs") else 1)
