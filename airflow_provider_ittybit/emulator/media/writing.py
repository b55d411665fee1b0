"""Write a new file so that it is either there and whole, or not there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import av

from airflow_provider_ittybit.emulator.media.graphs import REPEATABLE
from airflow_provider_ittybit.emulator.media.refusal import refusing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from av.container import OutputContainer


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a place to write to, which becomes the path when the block ends well and is removed when not."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def written(path: Path, muxer: str, options: Mapping[str, str] | None = None) -> Iterator[OutputContainer]:
    """Open a new media file, and close it whatever happens.

    :param muxer: that lays it out; the name of the path is not looked at.
    :raises CannotProcess: when anything that the media libraries do inside the block fails.
    """
    with (
        whole(path) as part,
        refusing(f"The {path.suffix.lstrip('.')} file cannot be made"),
        av.open(str(part), "w", format=muxer, options={**REPEATABLE, **(options or {})}) as output,
    ):
        yield output
