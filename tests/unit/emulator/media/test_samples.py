"""The samples are real media, the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    videos = [make_video(tmp_path / f"{n}.mp4", seconds=0.5, width=96, height=64).read_bytes() for n in range(3)]
    images = [make_image(tmp_path / f"{n}.webp", width=50, height=50).read_bytes() for n in range(3)]
    sounds = [make_audio(tmp_path / f"{n}.mp3", seconds=0.5).read_bytes() for n in range(3)]
    assert [len(set(made)) for made in (videos, images, sounds)] == [1, 1, 1]


@pytest.mark.parametrize("size", [(321, 180), (320, 181)])
def test_a_video_of_odd_size_is_a_mistake_of_the_caller(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        make_video(tmp_path / "v.mp4", width=size[0], height=size[1])


def test_an_unknown_suffix_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.tga"):
        make_image(tmp_path / "i.tga")
    with pytest.raises(ValueError, match=r"\.mid"):
        make_audio(tmp_path / "a.mid")
