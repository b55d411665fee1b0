"""A plain HTTP client for the emulator, one generation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.fixture
def speak(emulator: RunningEmulator) -> Iterator[Callable[..., httpx.Client]]:
    """Make a client that carries the key and asks for a version: ``speak("2025-08-20")``; None sends no header."""
    clients: list[httpx.Client] = []

    def make(version: str | None = "2025-08-20", header: str = "Accept-Version") -> httpx.Client:
        headers = {"Authorization": f"Bearer {emulator.api_key}"}
        if version is not None:
            headers[header] = version
        clients.append(httpx.Client(base_url=emulator.api_url, headers=headers, timeout=30))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def put(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> Callable[..., dict[str, Any]]:
    """Upload bytes or a file by a direct ``PUT``, wait until it is processed, and return the File."""

    def upload(content: bytes | Path, path: str = "clip.mp4", *, settle: bool = True) -> dict[str, Any]:
        data = content if isinstance(content, bytes) else content.read_bytes()
        client = speak("2025-08-20")
        answer = client.put(f"{emulator.delivery_url}/{path}", content=data)
        assert answer.status_code == 202, answer.text
        if settle:
            emulator.control.settle()
            return dict(client.get(f"/files/{answer.json()['id']}").json())
        return dict(answer.json())

    return upload
