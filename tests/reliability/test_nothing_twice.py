"""An answer that is lost, in every generation: the next try of a durable task looks, and makes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from reliability.lost_answers import CASES, TAKE_BYTES
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


def things(emulator: RunningEmulator, what: str, version: str) -> list[str]:
    """List what is there by now; bytes that the generation does not list are known to the emulator only."""
    if what == "bytes" and version not in TAKE_BYTES:
        return [file["id"] for file in emulator.control.files()]
    with IttybitHook() as hook:
        found = hook.list_tasks() if what == "task" else hook.list_media()
        return [str(item["id"]) for item in found]


@pytest.mark.parametrize("dated", [True, False], ids=["dated", "undated"])
@pytest.mark.parametrize(("what", "version"), CASES)
def test_what_was_done_without_an_answer_is_not_done_again_where_it_can_be_found(
    connect: Callable[..., RunningEmulator],
    emulator: RunningEmulator,
    bytes_of_a_clip: str,
    request: pytest.FixtureRequest,
    *,
    what: str,
    version: str,
    dated: bool,
) -> None:
    if not dated:
        request.getfixturevalue("no_dates")
    expected, store = CASES[what, version], Store()
    extra = {} if what != "bytes" or version in TAKE_BYTES else {"delivery_domain": emulator.delivery_url}
    connect(version, max_retries=0, **extra)
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
    if expected.by_key:
        assert "a retry by the same key makes nothing twice" in str(caught.value)
    else:
        assert "before sending it again, look for" in str(caught.value)
        assert TRACES[what] in str(caught.value)
    first = sent(emulator, method)
    emulator.control.forget_requests()
    made = attempt()
    second = sent(emulator, method)
    if expected.looks_in:
        assert f"GET /{expected.looks_in}" in sent(emulator)
    there = things(emulator, what, version)
    assert len(first + second) == expected.sent
    assert len(there) == expected.made
    assert made["id"] in there
