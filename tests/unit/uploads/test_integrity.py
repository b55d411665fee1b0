"""What arrived is what was sent, byte for byte: every protocol, every size around its borders, every odd name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import arrived, file_with, put_rows, sha256, some_bytes

from airflow_provider_ittybit.exceptions import IttybitSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

CHUNK = 10_000
WHOLE: Mapping[str, Any] = {}
BALANCED: Mapping[str, Any] = {"threshold": 1, "size": CHUNK, "parallel": 3}
EXACT: Mapping[str, Any] = {**BALANCED, "exact": True}


@dataclass(frozen=True)
class Way:
    """A protocol: the generation, whether the connection names the delivery domain, and how the file is cut."""

    version: str
    direct: bool = False
    chunking: Mapping[str, Any] = field(default_factory=dict)


SIGNED = {
    f"{version}, {'with the key' if direct else 'signed by ittybit'}": (version, direct)
    for version in ("files-enveloped", "files-flat")
    for direct in (False, True)
}
PLACES = SIGNED | {f"{version}, signed here": (version, True) for version in ("tasks", "jobs")}
CUTS = {"whole": WHOLE, "in chunks": BALANCED, "in chunks of one size": EXACT}
WAYS = {"media, as a form": Way("media")} | {
    f"{place}, {cut}": Way(*PLACES[place], chunking=CUTS[cut]) for place in PLACES for cut in CUTS
}
SIZES = {
    "1 byte": 1,
    "2 bytes": 2,
    "one chunk - 1": CHUNK - 1,
    "one chunk": CHUNK,
    "one chunk + 1": CHUNK + 1,
    "three chunks": 3 * CHUNK,
    "many chunks - 1": 17 * CHUNK - 1,
    "many chunks + 1": 17 * CHUNK + 1,
}
NAMES = [
    "Gänse 🪿 東京.mp4",
    "he said \"hi\" and 'bye'.mp4",
    "two\nlines.mp4",
    "line\r\nX-Evil: yes\r\n\r\nbody.mp4",
    "tab\tbell\x07.mp4",
    "100% & more?a=b#c;d+e.mp4",
    "back\\slash.mp4",
    "%22%0A.mp4",
    " .mp4",
    "n" * 200 + ".mp4",
]


def as_arrived(version: str, name: str) -> str:
    """Return a name as it arrives: HTML has a form escape quotes and line breaks, and none of its readers undo that."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") if version == "media" else name


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_every_size_arrives_as_it_was(
    put_by: Callable[..., IttybitHook], emulator: RunningEmulator, tmp_path: Path, way: Way, size: int
) -> None:
    content = some_bytes(size)
    hook = put_by(way.version, direct=way.direct)
    resource = hook.upload_media(file_with(tmp_path, content), chunking=way.chunking)
    [file] = emulator.control.files()
    assert (file["size"], file["sha256"]) == (size, sha256(content))
    assert resource["id"] in (file["id"], file["media_id"])
    if way.chunking and size > 2 * CHUNK:
        assert len(put_rows(emulator)) > 1


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_every_name_arrives_with_its_bytes(
    put_by: Callable[..., IttybitHook], emulator: RunningEmulator, tmp_path: Path, way: Way, name: str
) -> None:
    content = some_bytes(3 * CHUNK + 1)
    hook = put_by(way.version, direct=way.direct)
    hook.upload_media(file_with(tmp_path, content, name), chunking=way.chunking)
    [file] = emulator.control.files()
    assert (file["filename"], file["sha256"]) == (as_arrived(way.version, name), sha256(content))


def test_an_empty_file_is_refused_before_any_request(
    put_by: Callable[..., IttybitHook], emulator: RunningEmulator, tmp_path: Path, way: Way
) -> None:
    hook = put_by(way.version, direct=way.direct)
    with pytest.raises(IttybitSourceError, match="is empty"):
        hook.upload_media(file_with(tmp_path, b""), chunking=way.chunking)
    assert emulator.control.requests() == []
    assert arrived(emulator) == []
