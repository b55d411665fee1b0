"""Calls that are refused: for what is not there, without the right key, and with wrong values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recording import Recorder

MISSING = "00000000000000000000"


def play(recorder: Recorder) -> None:
    """Make the calls of this scene."""
    api = recorder.api
    for name, group, prefix in (("file", api.files, "file"), ("media", api.media, "med")):
        missing = f"{prefix}_{MISSING}"
        recorder.refused(f"missing {name}", group.get, missing)
        recorder.refused(f"missing {name} to change", group.update, missing, metadata={"a": 1})
        recorder.refused(f"missing {name} to delete", group.delete, missing)
    recorder.refused("missing task", api.tasks.get, f"task_{MISSING}")

    stranger = recorder.api_with_wrong_key
    recorder.refused("wrong key: files", stranger.files.list)
    recorder.refused("wrong key: file", stranger.files.create, url=f"{recorder.media_url}/clip.mp4")
    recorder.refused("wrong key: media", stranger.media.list)
    recorder.refused("wrong key: tasks", stranger.tasks.list)
    recorder.refused("wrong key: signature", stranger.signatures.create, filename="clip.mp4", method="put")

    recorder.refused("bad limit", api.files.list, limit=101)
    recorder.refused("bad page", api.media.list, page=0)
    recorder.refused("bad kind", api.tasks.create, request={"kind": "nonsense", "url": "https://example.com/a.mp4"})
    recorder.refused("bad signature", api.signatures.create, filename="")
