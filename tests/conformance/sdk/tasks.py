"""Tasks: a picture taken from a video, and one that the emulator says it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recording import Recorder


def play(recorder: Recorder) -> None:
    """Make the calls of this scene."""
    files, media, tasks = recorder.api.files, recorder.api.media, recorder.api.tasks
    clip = recorder.note("clip_created", files.create, url=f"{recorder.media_url}/clip.mp4", ref="original")
    recorder.follow("clip", files.get, clip.id)

    wish = {"kind": "image", "file_id": clip.id, "start": 1, "width": 160, "format": "png"}
    place = {"filename": "poster.png", "folder": "stills", "ref": "poster"}
    poster = recorder.note("poster_created", tasks.create, request={**wish, **place})
    poster = recorder.follow("poster", tasks.get, poster.id)
    recorder.note("poster_file", files.get, poster.output["id"])
    recorder.note("media", media.get, clip.media_id)

    speech = recorder.note("speech_created", tasks.create, request={"kind": "speech", "file_id": clip.id})
    recorder.follow("speech", tasks.get, speech.id)

    for page in (1, 2):
        recorder.note(f"page_{page}", tasks.list, page=page, limit=1)
    if hasattr(tasks, "get_task_config"):  # 1.0.0 has lost it; no model belongs to it
        recorder.notes["config"] = tasks.get_task_config()
