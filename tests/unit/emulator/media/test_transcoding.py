"""Videos are what was asked for, and look and sound as they should."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from unit.emulator.media import independent_reading as second
from unit.emulator.media.specimen_making import colours_seen, first_heard, runs, seconds_heard, write_late_sound

from airflow_provider_ittybit.emulator.media.facts import probe
from airflow_provider_ittybit.emulator.media.production import produce

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("form", "codec", "fourcc"),
    [("mp4", "h264", "avc1"), ("mp4", "h265", "hvc1"), ("mov", "h264", "avc1"), ("mp4", "vp9", "vp09")],
)
def test_a_video_gets_its_format_and_codec(video: Path, tmp_path: Path, form: str, codec: str, fourcc: str) -> None:
    path = produce("video", {"format": form, "codec": codec, "end": 0.5}, video, tmp_path)
    facts, tracks = probe(path), second.iso_tracks(path)
    assert path.name == f"video.{form}"
    assert (facts.container, facts.codec, facts.frames) == (form, codec, 12)
    assert {track.handler: track.codec for track in tracks} == {"vide": fourcc, "soun": "mp4a"}
    assert next(track.samples for track in tracks if track.handler == "vide") == 12


@pytest.mark.parametrize(("codec", "name"), [(None, "V_VP9"), ("av1", "V_AV1")])
def test_a_webm_gets_its_codec(video: Path, tmp_path: Path, codec: str | None, name: str) -> None:
    path = produce("video", {"format": "webm", "codec": codec, "end": 0.5}, video, tmp_path)
    assert probe(path).type == "video/webm"
    assert second.webm_video(path) == second.WebmTrack(name, 128, 72, 12)


def test_a_video_keeps_size_rate_and_length_by_itself(video: Path, tmp_path: Path) -> None:
    before, after = probe(video), probe(produce("video", {}, video, tmp_path))
    assert (after.width, after.height, after.fps, after.frames) == (128, 72, 24.0, 36)
    assert after.duration == pytest.approx(before.duration, abs=0.002)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"width": 64}, (64, 36)),
        ({"height": 36}, (64, 36)),
        ({"width": 50}, (50, 28)),
        ({"width": 51, "height": 51, "fit": "cover"}, (52, 52)),
        ({"width": 60, "height": 60, "fit": "contain"}, (60, 60)),
        ({"width": "50%"}, (64, 36)),
    ],
)
def test_a_video_gets_its_size_in_even_numbers(
    video: Path, tmp_path: Path, options: dict[str, Any], size: tuple[int, int]
) -> None:
    facts = probe(produce("video", {**options, "end": 0.25}, video, tmp_path))
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"start": 1, "end": 2}, [("green", 10)]),
        ({"start": 0.5, "end": 1.5}, [("red", 5), ("green", 5)]),
        ({"start": 2.5}, [("blue", 5)]),
        ({"end": 1.2}, [("red", 10), ("green", 2)]),
        ({"start": 2, "end": 99}, [("blue", 10)]),
    ],
)
def test_start_and_end_cut_exactly(
    flag: Path, tmp_path: Path, window: dict[str, float], expected: list[tuple[str, int]]
) -> None:
    path = produce("video", {**window, "quality": "very_high"}, flag, tmp_path)
    assert runs(colours_seen(path)) == expected
    assert probe(path).duration == pytest.approx(sum(count for _, count in expected) / 10, abs=0.001)


@pytest.mark.parametrize(("fps", "frames"), [(5, 15), (20, 60), (29.97, 90)])
def test_a_rate_repeats_or_drops_pictures_and_keeps_the_length(
    flag: Path, tmp_path: Path, fps: float, frames: int
) -> None:
    facts = probe(produce("video", {"fps": fps}, flag, tmp_path))
    assert (facts.fps, facts.frames) == (fps, frames)
    assert facts.duration == pytest.approx(3, abs=0.01)


def test_a_varying_rate_stays_and_a_wished_one_evens_it_out(uneven: Path, tmp_path: Path) -> None:
    kept = probe(produce("video", {}, uneven, tmp_path))
    assert kept.frames == 5
    assert kept.duration == pytest.approx(
        probe(uneven).duration, abs=0.1
    )  # the last picture's time is the muxer's guess
    even = produce("video", {"fps": 20, "end": 0.9, "quality": 95}, uneven, tmp_path)
    assert runs(colours_seen(even)) == [("red", 2), ("green", 1), ("blue", 5), ("red", 10)]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_video_comes_out_upright(encoded: Callable[..., Path], tmp_path: Path, rotation: int) -> None:
    facts = probe(produce("video", {}, encoded(f"turn{rotation}.mp4", "libx264", rotation), tmp_path))
    upright = (96, 64) if rotation == 180 else (64, 96)
    assert (facts.width, facts.height, facts.rotation) == (*upright, 0)


def test_pixels_that_are_not_square_become_so(encoded: Callable[..., Path], tmp_path: Path) -> None:
    facts = probe(produce("video", {}, encoded("wide2.mp4", "libx264", 0, Fraction(2)), tmp_path))
    assert (facts.width, facts.height) == (192, 64)


def test_sound_stays_with_its_pictures(video: Path, tmp_path: Path) -> None:
    path = produce("video", {"start": 0.5, "end": 1.25, "format": "webm"}, video, tmp_path)
    assert seconds_heard(path) == pytest.approx(0.75, abs=0.03)
    assert probe(path).frames == 18


@pytest.mark.parametrize(("start", "heard"), [(0, 0.5), (0.25, 0.25), (0.75, 0)])
def test_sound_that_begins_late_stays_late(tmp_path: Path, start: float, heard: float) -> None:
    source = write_late_sound(tmp_path / "late.mp4", 0.5)
    assert first_heard(source) == pytest.approx(0.5, abs=0.005)
    assert first_heard(produce("video", {"start": start}, source, tmp_path)) == pytest.approx(heard, abs=0.005)


def test_a_silent_video_stays_silent(silent_video: Path, tmp_path: Path) -> None:
    assert [track.handler for track in second.iso_tracks(produce("video", {}, silent_video, tmp_path))] == ["vide"]


def test_an_animated_gif_becomes_a_video(silent_video: Path, tmp_path: Path) -> None:
    animation = produce("animation", {"fps": 10}, silent_video, tmp_path)
    facts = probe(produce("video", {}, animation, tmp_path))
    assert (facts.kind, facts.codec, facts.frames, facts.duration) == ("video", "h264", 10, 1.0)
