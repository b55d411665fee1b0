"""Sounds, animations and thumbnails are what was asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from unit.emulator.media import independent_reading as second
from unit.emulator.media.specimen_making import colours_seen, runs

from airflow_provider_ittybit.emulator.media.facts import probe
from airflow_provider_ittybit.emulator.media.production import produce
from airflow_provider_ittybit.emulator.media.samples import make_audio

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("mp3", ("audio/mpeg", "mp3")),
        ("aac", ("audio/aac", "aac")),
        ("m4a", ("audio/mp4", "aac")),
        ("ogg", ("audio/ogg", "opus")),
        ("opus", ("audio/ogg", "opus")),
        ("wav", ("audio/wav", "pcm_s16le")),
        ("flac", ("audio/flac", "flac")),
    ],
)
@pytest.mark.parametrize("source", ["video", "sound"])
def test_sound_is_taken_from_videos_and_sounds(
    request: pytest.FixtureRequest, tmp_path: Path, source: str, form: str, told: tuple[str, str]
) -> None:
    path = produce("audio", {"format": form}, request.getfixturevalue(source), tmp_path)
    facts = probe(path)
    assert (path.name, facts.kind, facts.type, facts.codec) == (f"audio.{form}", "audio", *told)
    assert facts.duration == pytest.approx(1.5, abs=0.045 if form == "aac" else 0.002)


def test_sound_is_cut_to_the_sample(sound: Path, tmp_path: Path) -> None:
    options = {"format": "wav", "start": 0.25, "end": 1}
    assert second.wav_seconds(produce("audio", options, sound, tmp_path)) == 0.75


def test_a_bitrate_is_kept(tmp_path: Path) -> None:
    source = make_audio(tmp_path / "s.wav", seconds=4)
    low = probe(produce("audio", {"bitrate": 32_000}, source, tmp_path)).bitrate
    high = probe(produce("audio", {"bitrate": 160_000}, source, tmp_path)).bitrate
    assert low == pytest.approx(32_000, rel=0.1)
    assert high == pytest.approx(160_000, rel=0.1)


def test_an_animation_is_cut_and_slowed_to_its_rate(flag: Path, tmp_path: Path) -> None:
    path = produce("animation", {"fps": 4, "start": 1, "width": 32}, flag, tmp_path)
    assert second.gif(path) == second.Gif(32, 24, 8, 2.0)
    assert runs(colours_seen(path)) == [("green", 4), ("blue", 4)]


def test_thumbnails_are_a_sheet_and_a_track_that_points_into_it(flag: Path, tmp_path: Path) -> None:
    track = produce("thumbnails", {"width": 32, "format": "png"}, flag, tmp_path)
    assert track == tmp_path / "thumbnails.vtt"
    assert track.read_text().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nthumbnails.png#xywh=0,0,32,24\n")
    rows = second.read_png(tmp_path / "thumbnails.png")
    assert (len(rows[0]), len(rows)) == (96, 24)
    places = re.findall(r"#xywh=(\d+),(\d+),(\d+),(\d+)", track.read_text())
    middles = [rows[int(y) + int(h) // 2][int(x) + int(w) // 2] for x, y, w, h in places]
    assert runs(middles) == [("red", 1), ("green", 1), ("blue", 1)]


def test_many_thumbnails_fill_rows_of_ten(flag: Path, tmp_path: Path) -> None:
    track = produce("thumbnails", {"width": 16, "interval": 0.25}, flag, tmp_path).read_text()
    assert track.count("-->") == 12
    assert "00:00:02.500 --> 00:00:02.750\nthumbnails.jpg#xywh=0,12,16,12" in track
    assert second.jpeg_size(tmp_path / "thumbnails.jpg") == (160, 24)
