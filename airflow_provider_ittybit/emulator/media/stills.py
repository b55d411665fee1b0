"""The ``image`` kind: a frame of a video, or an image in another size or format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.encoders import PICTURE_FORMATS
from airflow_provider_ittybit.emulator.media.moments import check_start, seen_at
from airflow_provider_ittybit.emulator.media.opening import moving_pictures, opened
from airflow_provider_ittybit.emulator.media.pictures import encode_picture
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess, refusing
from airflow_provider_ittybit.emulator.media.shaping import Shape, Shaper
from airflow_provider_ittybit.emulator.media.writing import whole

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.media.facts import Facts
    from airflow_provider_ittybit.emulator.media.wishes import Wishes

DEFAULT_QUALITY = 80


def make_still(wishes: Wishes, facts: Facts, source: Path, folder: Path) -> Path:
    """Make ``image.jpg``, ``.png`` or ``.webp``.

    Options: ``format`` jpeg, jpg, png or webp (default: jpeg from a video; an image keeps its own where it is
    one of these, else becomes png), ``start`` in seconds (default 0), ``width``, ``height``, ``fit``,
    ``background``, ``quality`` (PNG loses nothing at any quality).

    :raises CannotProcess: for a source without pictures.
    """
    if facts.kind == "audio":
        message = "The file is sound only: there is no picture to make an image of."
        raise CannotProcess(message)
    own = facts.codec if facts.codec in PICTURE_FORMATS else "png"
    picture_format = wishes.word("format", PICTURE_FORMATS, "jpeg" if facts.kind == "video" else str(own))
    start = wishes.number("start", 0) or 0.0
    box, quality = wishes.box(), wishes.quality(DEFAULT_QUALITY)
    wishes.refuse_the_rest()
    check_start(start, facts.duration)
    row = PICTURE_FORMATS[picture_format]
    with opened(source) as media, refusing("The image cannot be made"):
        stream = moving_pictures(media)
        if stream is None:
            message = "The file holds no picture."
            raise CannotProcess(message)
        shaper = Shaper(Shape(box, row.opaque, row.transparent), stream, source)
        frame = next(seen_at(media, stream, [start]))
        shaped = next(iter([*shaper.push(frame), *shaper.finish()]))
        data = encode_picture(shaped, picture_format, quality=quality)
    target = folder / f"image{row.suffix}"
    with whole(target) as part:
        part.write_bytes(data)
    return target
