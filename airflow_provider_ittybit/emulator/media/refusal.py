"""The one error of the media code, and the bridge to it from the errors of the media libraries."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import av.error

if TYPE_CHECKING:
    from collections.abc import Iterator


class CannotProcess(Exception):  # noqa: N818 - named for what a person reads: the media cannot be processed
    """Say in a plain sentence what cannot be done with a file, and why."""


@contextmanager
def refusing(sentence: str) -> Iterator[None]:
    """Turn an error of the media libraries inside the block into a refusal.

    :param sentence: what could not be done, without its full stop; the library's own words follow it.
    :raises CannotProcess: instead of any error of the media libraries.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        message = f"{sentence}: {reason[:1].lower()}{reason[1:]}."
        raise CannotProcess(message) from error
