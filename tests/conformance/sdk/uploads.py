"""Bytes sent to a signed URL, which is how a user of the SDK uploads, since it cannot."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recording import Recorder

TEN_MINUTES = 600


def play(recorder: Recorder) -> None:
    """Make the calls of this scene."""
    files, signatures = recorder.api.files, recorder.api.signatures
    content = (recorder.media_folder / "clip.mp4").read_bytes()
    place = {"filename": "take one.mp4", "folder": "inbox/día 1"}
    expiry = int(time.time()) + TEN_MINUTES
    recorder.notes["expiry"] = expiry

    to_write = recorder.note("to_write", signatures.create, **place, expiry=expiry, method="put")
    recorder.notes["put"] = recorder.put(to_write.url, content)
    [newest] = recorder.note("newest", files.list, limit=1)
    file = recorder.follow("file", files.get, newest.id)

    to_read = recorder.note("to_read", signatures.create, **place)
    for name, url in (("signed", to_read.url), ("public", file.url)):
        recorder.notes[name] = hashlib.sha256(recorder.fetch(url)).hexdigest()
    recorder.notes["put_to_the_url_for_reading"] = recorder.put(to_read.url, content)
