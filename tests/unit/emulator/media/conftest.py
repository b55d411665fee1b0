"""Media specimens, each made once for a test process, with facts that are known because they were chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import pytest
from av.video.stream import VideoStream
from unit.emulator.media.specimen_making import BLUE, GREEN, RED, write_colours

from airflow_provider_ittybit.emulator.media.samples import card, make_audio, make_image, make_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from pathlib import Path


@pytest.fixture(scope="session")
def specimens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specimens")


@pytest.fixture(scope="session")
def video(specimens: Path) -> Path:
    """1.5 s of 128x72 at 24 fps, with sound."""
    return make_video(specimens / "video.mp4", seconds=1.5, width=128, height=72)


@pytest.fixture(scope="session")
def silent_video(specimens: Path) -> Path:
    """1 s of 96x96 at 10 fps, without sound."""
    return make_video(specimens / "silent.mp4", seconds=1, width=96, height=96, fps=10, with_audio=False)


@pytest.fixture(scope="session")
def picture(specimens: Path) -> Path:
    """64x48 pixels."""
    return make_image(specimens / "picture.png", width=64, height=48)


@pytest.fixture(scope="session")
def sound(specimens: Path) -> Path:
    """1.5 s of tone as WAV."""
    return make_audio(specimens / "sound.wav", seconds=1.5)


@pytest.fixture(scope="session")
def flag(specimens: Path) -> Path:
    """Three seconds at 10 fps, 64x48: red, then green, then blue."""
    pictures = [colour for colour in (RED, GREEN, BLUE) for _ in range(10)]
    return write_colours(specimens / "flag.mp4", pictures, [index * 100 for index in range(30)])


@pytest.fixture(scope="session")
def uneven(specimens: Path) -> Path:
    """Five pictures at 0, 100, 150, 400 and 900 ms."""
    return write_colours(specimens / "uneven.mp4", [RED, GREEN, BLUE, RED, GREEN], [0, 100, 150, 400, 900])


@pytest.fixture(scope="session")
def encoded(specimens: Path) -> Callable[..., Path]:
    """Make 12 pictures of 96x64 at 12 fps with a given encoder."""

    def make(name: str, encoder: str, rotation: int = 0, ratio: Fraction | None = None) -> Path:
        path = specimens / name
        with av.open(str(path), "w") as output:
            options = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
            stream = output.add_stream(encoder, rate=12, options=options)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            if rotation:
                stream.set_display_rotation(-rotation)
            if ratio:
                stream.codec_context.sample_aspect_ratio = ratio
            for frame in card(96, 64, fps=12, frames=12, pixels="yuv420p"):
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    return make
