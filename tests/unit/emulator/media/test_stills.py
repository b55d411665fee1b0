"""Images are what was asked for, and look as they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.emulator.media import independent_reading as second
from unit.emulator.media.specimen_making import BLUE, GREEN, RED, colours_seen, near, quarters, with_exif, write_colours

from airflow_provider_ittybit.emulator.media.facts import probe
from airflow_provider_ittybit.emulator.media.production import produce
from airflow_provider_ittybit.emulator.media.samples import make_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from specimen_making import Colour


@pytest.mark.parametrize(
    ("start", "colour"), [(None, RED), (0.95, RED), (1, GREEN), (1.99, GREEN), ("2", BLUE), (2.95, BLUE)]
)
def test_the_frame_of_a_video_is_the_one_seen_at_start(
    flag: Path, tmp_path: Path, start: float | None, colour: Colour
) -> None:
    path = produce("image", {"start": start, "format": "png"}, flag, tmp_path)
    assert near(second.read_png(path)[24][32], colour)


@pytest.mark.parametrize("start", [0.1, 0.149, 0.15])
def test_a_frame_stays_on_screen_until_the_next_one(uneven: Path, tmp_path: Path, start: float) -> None:
    path = produce("image", {"start": start, "format": "png"}, uneven, tmp_path)
    assert near(second.read_png(path)[24][32], BLUE if start >= 0.15 else GREEN)


@pytest.mark.parametrize("start", [0, 4.95, 7.04])
def test_a_late_frame_is_found_without_decoding_all_before_it(tmp_path: Path, start: float) -> None:
    colours = [(index * 3, 90, 255 - index * 3) for index in range(80)]
    path = write_colours(tmp_path / "long.mp4", colours, [index * 100 for index in range(80)])
    still = produce("image", {"start": start, "format": "png"}, path, tmp_path)
    assert near(second.read_png(still)[24][32], colours[int(start * 10)], by=6)


@pytest.mark.parametrize(
    ("form", "suffix", "size_of"),
    [
        ("jpeg", ".jpg", second.jpeg_size),
        ("jpg", ".jpg", second.jpeg_size),
        ("png", ".png", second.png_size),
        ("webp", ".webp", second.webp_size),
    ],
)
def test_an_image_gets_its_format_and_exactly_its_size(
    video: Path, tmp_path: Path, form: str, suffix: str, size_of: Callable[[Path], tuple[int, int]]
) -> None:
    path = produce("image", {"format": form, "width": 51, "height": 37, "fit": "cover"}, video, tmp_path)
    facts = probe(path)
    assert path == tmp_path / f"image{suffix}"
    assert size_of(path) == (facts.width, facts.height) == (51, 37)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (64, 48)),
        ({"width": 32}, (32, 24)),
        ({"height": 12}, (16, 12)),
        ({"width": 21}, (21, 16)),
        ({"width": "50%"}, (32, 24)),
        ({"width": "150%", "height": "100%", "fit": "fill"}, (96, 48)),
        ({"width": 30, "height": 30}, (30, 30)),
    ],
)
def test_one_side_keeps_the_shape_and_two_are_exact(
    picture: Path, tmp_path: Path, options: dict[str, object], size: tuple[int, int]
) -> None:
    assert second.png_size(produce("image", options, picture, tmp_path)) == size


def test_fit_contain_shows_all_with_bars_of_the_background(tmp_path: Path) -> None:
    options = {"width": 40, "height": 40, "fit": "contain", "background": "#f80"}
    rows = second.read_png(produce("image", options, quarters(tmp_path / "q.png"), tmp_path))
    assert near(rows[2][20], (255, 136, 0), by=2)
    assert near(rows[37][20], (255, 136, 0), by=2)
    assert [near(rows[15][5], RED), near(rows[15][35], GREEN), near(rows[25][5], BLUE)] == [True] * 3


def test_fit_cover_cuts_what_stands_over(tmp_path: Path) -> None:
    options = {"width": 20, "height": 40, "fit": "cover"}
    rows = second.read_png(produce("image", options, quarters(tmp_path / "q.png"), tmp_path))
    assert (len(rows[0]), len(rows)) == (20, 40)
    assert [near(rows[2][1], RED), near(rows[2][18], GREEN), near(rows[37][1], BLUE)] == [True] * 3


def test_fit_fill_stretches(tmp_path: Path) -> None:
    options = {"width": 20, "height": 40, "fit": "fill"}
    rows = second.read_png(produce("image", options, quarters(tmp_path / "q.png"), tmp_path))
    assert [near(rows[2][1], RED), near(rows[2][18], GREEN), near(rows[37][1], BLUE)] == [True] * 3


def test_transparency_is_kept_where_the_format_has_it(tmp_path: Path) -> None:
    source = second.write_png(tmp_path / "half.png", [[(200, 30, 30, 255)] * 8 + [(0, 255, 0, 0)] * 8] * 16)
    for form in ("png", "webp"):
        assert probe(produce("image", {"format": form, "width": 8}, source, tmp_path)).transparency is True
    rows = second.read_png(produce("image", {"format": "png"}, source, tmp_path))
    assert (rows[8][2], rows[8][13][3]) == ((200, 30, 30, 255), 0)


def test_transparency_shows_the_background_where_the_format_has_none(tmp_path: Path) -> None:
    source = second.write_png(tmp_path / "half.png", [[(200, 30, 30, 255)] * 8 + [(0, 255, 0, 0)] * 8] * 16)
    path = produce("image", {"format": "jpeg", "background": "#0000ff", "quality": 100}, source, tmp_path)
    assert near(colours_seen(path)[0], (0, 0, 255), by=40)
    again = second.read_png(produce("image", {"format": "png"}, path, tmp_path))
    assert near(again[8][13], (0, 0, 255))
    assert near(again[8][2], RED)


@pytest.mark.parametrize(
    ("tag", "corners"),
    [
        (1, (RED, GREEN, BLUE)),
        (2, (GREEN, RED, None)),
        (3, (None, BLUE, GREEN)),
        (4, (BLUE, None, RED)),
        (5, (RED, BLUE, GREEN)),
        (6, (BLUE, RED, None)),
        (7, (None, GREEN, BLUE)),
        (8, (GREEN, None, RED)),
    ],
)
def test_a_turned_photo_comes_out_upright(tmp_path: Path, tag: int, corners: tuple[Colour | None, ...]) -> None:
    jpeg = produce("image", {"format": "jpeg", "quality": 100}, quarters(tmp_path / "q.png"), tmp_path)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(with_exif(jpeg.read_bytes(), tag))
    upright = produce("image", {"format": "png"}, photo, tmp_path)
    rows = second.read_png(upright)
    assert (len(rows[0]), len(rows)) == ((40, 20) if tag < 5 else (20, 40))
    seen = (rows[2][2], rows[2][-3], rows[-3][2])  # top left, top right, bottom left
    for colour, expected in zip(seen, corners, strict=True):
        assert near(colour, expected or (255, 255, 255), by=30)
    assert probe(upright).rotation == 0


def test_a_higher_quality_makes_a_larger_file(video: Path, tmp_path: Path) -> None:
    sizes = {}
    for form in ("jpeg", "webp"):
        for quality in (5, "medium", 95):
            path = produce("image", {"format": form, "quality": quality}, video, tmp_path)
            sizes[form, quality] = path.stat().st_size
    assert sizes["jpeg", 5] < sizes["jpeg", "medium"] < sizes["jpeg", 95]
    assert sizes["webp", 5] < sizes["webp", "medium"] < sizes["webp", 95]


def test_the_first_frame_of_an_animated_webp_can_be_taken(silent_video: Path, tmp_path: Path) -> None:
    animation = produce("animation", {"format": "webp", "fps": 5}, silent_video, tmp_path)
    assert second.png_size(produce("image", {"format": "png"}, animation, tmp_path)) == (96, 96)


def test_an_image_in_a_format_of_its_own_keeps_it(tmp_path: Path) -> None:
    for suffix, codec in ((".png", "png"), (".webp", "webp"), (".jpg", "jpeg"), (".gif", "png")):
        source = make_image(tmp_path / f"own{suffix}", width=20, height=20)
        assert probe(produce("image", {}, source, tmp_path)).codec == codec
