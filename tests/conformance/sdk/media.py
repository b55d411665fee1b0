"""The life of media: made empty, given a file, listed page by page, changed, deleted with its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recording import Recorder


def play(recorder: Recorder) -> None:
    """Make the calls of this scene."""
    files, media = recorder.api.files, recorder.api.media
    film = recorder.note(
        "film_created", media.create, title="Pilot", alt="A test card moves", metadata={"season": 1, "draft": True}
    )
    file = recorder.note(
        "file_created", files.create, url=f"{recorder.media_url}/clip.mp4", media_id=film.id, ref="original"
    )
    recorder.follow("file", files.get, file.id)
    recorder.note("film", media.get, film.id)

    for title in ("Second", "Third"):
        recorder.note(title, media.create, title=title)
    for page in (1, 2, 3):
        recorder.note(f"page_{page}", media.list, page=page, limit=2)

    recorder.note(
        "changed", media.update, film.id, title="Pilot, cut", alt="The card again", metadata={"draft": None, "cut": 2}
    )
    recorder.note("changed_and_read", media.get, film.id)

    recorder.note("deleted", media.delete, film.id)
    recorder.refused("gone", media.get, film.id)
    recorder.refused("file_gone", files.get, file.id)
    recorder.note("left", media.list)
