"""The ``thumbnails`` kind: one sheet of small pictures, and a WebVTT track that says which part is seen when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.encoders import PICTURE_FORMATS
from airflow_provider_ittybit.emulator.media.geometry import Box, Length
from airflow_provider_ittybit.emulator.media.moments import seen_at
from airflow_provider_ittybit.emulator.media.opening import moving_pictures, opened
from airflow_provider_ittybit.emulator.media.pictures import encode_picture
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess, refusing
from airflow_provider_ittybit.emulator.media.shaping import Shape, Shaper
from airflow_provider_ittybit.emulator.media.stills import DEFAULT_QUALITY
from airflow_provider_ittybit.emulator.media.writing import whole

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.frame import VideoFrame

    from airflow_provider_ittybit.emulator.media.facts import Facts
    from airflow_provider_ittybit.emulator.media.wishes import Wishes

_COLUMNS = 10
_MOST = 100
_WIDTH = 160


def make_thumbnails(wishes: Wishes, facts: Facts, source: Path, folder: Path) -> Path:
    """Make ``thumbnails.vtt`` and, beside it, the sheet ``thumbnails.jpg`` (or ``.png``, ``.webp``) it names.

    Options: ``width`` and ``height`` of one small picture in pixels (default 160 wide), ``fit``,
    ``background``, ``interval`` in seconds between them (default 1, or as many as make 100 pictures),
    ``format`` jpeg, jpg, png or webp of the sheet (default jpeg), ``quality``. The options of ittybit's kind
    are not published; these are the emulator's own.

    :returns: the .vtt. Its cues name the sheet by its bare file name, with ``#xywh=``.
    :raises CannotProcess: for a source that is no video, or when there would be more than 100 pictures.
    """
    if facts.kind != "video" or facts.duration is None:
        message = f"The file is no video but {facts.kind}: no thumbnails can be made from it."
        raise CannotProcess(message)
    box = wishes.box()
    if box.width is None and box.height is None:
        box = Box(Length(_WIDTH, relative=False), None, box.fit, box.background)
    interval = wishes.number("interval", 0.01) or max(1.0, facts.duration / _MOST)
    row = PICTURE_FORMATS[picture_format := wishes.word("format", PICTURE_FORMATS, "jpeg")]
    quality = wishes.quality(DEFAULT_QUALITY)
    wishes.refuse_the_rest()
    count = max(1, math.ceil(round(facts.duration / interval, 6)))
    if count > _MOST:
        message = f"An interval of {interval:g} seconds would make {count} thumbnails; {_MOST} is the most."
        raise CannotProcess(message)
    columns, rows = min(count, _COLUMNS), math.ceil(count / _COLUMNS)
    shape = Shape(box, row.opaque, tiles=(columns, rows))
    with opened(source) as media, refusing("The thumbnails cannot be made"):
        stream = moving_pictures(media)
        assert stream is not None  # noqa: S101 - the facts say that it is there
        shaper = Shaper(shape, stream, source)
        sheets: list[VideoFrame] = []
        for frame in seen_at(media, stream, [index * interval for index in range(count)]):
            sheets.extend(shaper.push(frame))
        sheet = [*sheets, *shaper.finish()][0]
        picture = encode_picture(sheet, picture_format, quality=quality)
    size = (sheet.width // columns, sheet.height // rows)
    image, track = folder / f"thumbnails{row.suffix}", folder / "thumbnails.vtt"
    with whole(image) as part:
        part.write_bytes(picture)
    with whole(track) as part:
        part.write_text(_track(image.name, size, count, interval, facts.duration), encoding="utf-8")
    return track


def _track(image: str, size: tuple[int, int], count: int, interval: float, duration: float) -> str:
    """Return the WebVTT text: one cue for each small picture, row by row."""
    width, height = size
    cues = ["WEBVTT"]
    for index in range(count):
        row, column = divmod(index, _COLUMNS)
        begin, end = index * interval, min((index + 1) * interval, duration)
        place = f"{column * width},{row * height},{width},{height}"
        cues.append(f"{_clock(begin)} --> {_clock(end)}\n{image}#xywh={place}")
    return "\n\n".join(cues) + "\n"


def _clock(seconds: float) -> str:
    """Return a time as WebVTT writes it, e.g. 00:01:02.500."""
    whole_seconds, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole_seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}.{milliseconds:03}"
