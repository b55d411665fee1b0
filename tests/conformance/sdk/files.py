"""The life of files: made from URLs, read until they are ready, listed page by page, changed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recording import Recorder


def play(recorder: Recorder) -> None:
    """Make the calls of this scene."""
    files, url = recorder.api.files, recorder.media_url
    clip = recorder.note(
        "clip_created",
        files.create,
        url=f"{url}/clip.mp4",
        folder="raw/día 1",
        filename="Tomà 1.mp4",
        ref="original",
        metadata={"show": "pilot", "take": 3},
    )
    still = recorder.note("still_created", files.create, url=f"{url}/still.png")
    tone = recorder.note("tone_created", files.create, url=f"{url}/tone.mp3")
    for name, file in (("clip", clip), ("still", still), ("tone", tone)):
        recorder.follow(name, files.get, file.id)

    for page in (1, 2, 3):
        recorder.note(f"page_{page}", files.list, page=page, limit=2)

    recorder.note(
        "changed",
        files.update,
        clip.id,
        folder="cut",
        filename="final.mp4",
        ref="hero",
        metadata={"take": None, "cut": 1},
    )
    recorder.note("changed_and_read", files.get, clip.id)

    recorder.note("deleted", files.delete, still.id)
    recorder.refused("gone", files.get, still.id)
    recorder.note("left", files.list)

    lost = recorder.note("lost_created", files.create, url=f"{url}/nothing-here.mp4")
    recorder.follow("lost", files.get, lost.id)
