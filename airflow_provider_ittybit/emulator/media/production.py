"""Make a new file from a media file, one function for each kind of task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.facts import probe
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess
from airflow_provider_ittybit.emulator.media.soundtracks import make_sound
from airflow_provider_ittybit.emulator.media.sprites import make_thumbnails
from airflow_provider_ittybit.emulator.media.stills import make_still
from airflow_provider_ittybit.emulator.media.transcoding import make_animation, make_video
from airflow_provider_ittybit.emulator.media.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airflow_provider_ittybit.emulator.media.facts import Facts

_MAKERS: dict[str, Callable[[Wishes, Facts, Path, Path], Path]] = {
    "image": make_still,
    "video": make_video,
    "audio": make_sound,
    "animation": make_animation,
    "thumbnails": make_thumbnails,
}

PRODUCIBLE: frozenset[str] = frozenset(_MAKERS)
"""The kinds that ``produce`` can do."""


def produce(kind: str, options: Mapping[str, object], source: Path, folder: Path) -> Path:
    """Make a new file.

    :param kind: one of ``PRODUCIBLE``; what each makes and its options stand at its function.
    :param options: as they came in; an option that is None counts as not given.
    :param source: the media file, which stays as it is.
    :param folder: for the new file, named for the kind, such as ``image.jpg``; it must be there. Files that
        are already there under the same name are replaced, so each call gets its own folder.
    :returns: the path of the new file; for thumbnails that of the .vtt, with the sheet beside it.
    :raises CannotProcess: for another kind, for a source that is no media or does not fit the kind, for an
        option that is unknown or out of its bounds. Then nothing new is in the folder.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        message = f"{kind} is not done here; {', '.join(sorted(PRODUCIBLE))} are."
        raise CannotProcess(message)
    return maker(Wishes(kind, options), probe(source), source, folder)
