"""What is said of a file is what it was made with, and what a second reading says."""

from __future__ import annotations

import contextlib
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.emulator.media import independent_reading as second
from unit.emulator.media.specimen_making import with_cover, with_exif

from airflow_provider_ittybit.emulator.media.facts import CannotProcess, probe
from airflow_provider_ittybit.emulator.media.production import produce
from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("sound", ["with sound", "silent"])
@pytest.mark.parametrize(
    ("made_with", "frames", "seen"),
    [
        ({"seconds": 1.0, "width": 128, "height": 72, "fps": 24}, 24, "landscape"),
        ({"seconds": 0.5, "width": 72, "height": 128, "fps": 30}, 15, "portrait"),
        ({"seconds": 1.2, "width": 64, "height": 64, "fps": 25}, 30, "square"),
    ],
)
def test_a_video_is_what_it_was_made_with(
    tmp_path: Path, made_with: dict[str, Any], frames: int, seen: str, sound: str
) -> None:
    path = make_video(tmp_path / "v.mp4", **made_with, with_audio=sound == "with sound")
    facts = probe(path)
    assert {name: getattr(facts, name) for name in ("width", "height", "fps")} == {
        name: made_with[name] for name in ("width", "height", "fps")
    }
    assert (facts.kind, facts.type, facts.container, facts.codec) == ("video", "video/mp4", "mp4", "h264")
    assert (facts.orientation, facts.rotation) == (seen, 0)
    assert (facts.frames, facts.duration) == (frames, made_with["seconds"])
    assert (facts.transparency, facts.animated) == (False, None)
    assert facts.filesize == path.stat().st_size
    assert facts.bitrate == round(facts.filesize * 8 / made_with["seconds"])


def test_a_second_reading_of_a_video_agrees(video: Path) -> None:
    facts, tracks = probe(video), second.iso_tracks(video)
    pictures = next(track for track in tracks if track.handler == "vide")
    assert (pictures.codec, pictures.samples) == ("avc1", facts.frames)
    assert (pictures.width, pictures.height, pictures.seconds) == (facts.width, facts.height, facts.duration)


@pytest.mark.parametrize(
    ("name", "encoder", "mime", "codec"),
    [
        ("hevc.mp4", "libx265", "video/mp4", "h265"),
        ("vp9.webm", "libvpx-vp9", "video/webm", "vp9"),
        ("h264.mkv", "libx264", "video/x-matroska", "h264"),
        ("h264.mov", "libx264", "video/quicktime", "h264"),
        ("h264.ts", "libx264", "video/mp2t", "h264"),
        ("mpeg4.avi", "mpeg4", "video/x-msvideo", "mpeg4"),
    ],
)
def test_codec_and_container_are_told_apart(
    encoded: Callable[..., Path], name: str, encoder: str, mime: str, codec: str
) -> None:
    facts = probe(encoded(name, encoder))
    assert (facts.type, facts.codec, facts.width, facts.height) == (mime, codec, 96, 64)
    assert (facts.frames, facts.fps) == (12, 12.0)
    assert facts.duration == pytest.approx(1.0, abs=0.002)


def test_a_second_reading_of_a_webm_agrees(encoded: Callable[..., Path]) -> None:
    path = encoded("second.webm", "libvpx-vp9")
    assert second.webm_video(path) == second.WebmTrack("V_VP9", 96, 64, 12)
    assert probe(path).frames == 12


@pytest.mark.parametrize(("rotation", "seen"), [(90, "portrait"), (180, "landscape"), (270, "portrait")])
def test_a_turned_video_says_how_it_is_turned_and_how_it_is_seen(
    encoded: Callable[..., Path], rotation: int, seen: str
) -> None:
    facts = probe(encoded(f"turned{rotation}.mp4", "libx264", rotation))
    assert (facts.width, facts.height, facts.rotation, facts.orientation) == (96, 64, rotation, seen)


@pytest.mark.parametrize(
    ("tag", "rotation", "seen"),
    [
        (1, 0, "landscape"),
        (2, 0, "landscape"),
        (3, 180, "landscape"),
        (4, 180, "landscape"),
        (5, 270, "portrait"),
        (6, 90, "portrait"),
        (7, 90, "portrait"),
        (8, 270, "portrait"),
    ],
)
def test_a_photo_is_turned_as_its_exif_tag_says(tmp_path: Path, tag: int, rotation: int, seen: str) -> None:
    path = make_image(tmp_path / "photo.jpg", width=64, height=48)
    path.write_bytes(with_exif(path.read_bytes(), tag))
    facts = probe(path)
    assert (facts.rotation, facts.orientation, facts.width, facts.height) == (rotation, seen, 64, 48)


def test_a_varying_rate_is_told_as_its_average(uneven: Path) -> None:
    facts = probe(uneven)
    (track,) = second.iso_tracks(uneven)
    assert (facts.frames, track.samples) == (5, 5)
    assert facts.duration == pytest.approx(track.seconds, abs=0.001)
    assert facts.duration is not None
    assert facts.fps == pytest.approx(5 / facts.duration, rel=0.01)


@pytest.mark.parametrize(
    ("suffix", "mime", "codec"),
    [
        (".wav", "audio/wav", "pcm_s16le"),
        (".mp3", "audio/mpeg", "mp3"),
        (".m4a", "audio/mp4", "aac"),
        (".flac", "audio/flac", "flac"),
        (".ogg", "audio/ogg", "opus"),
        (".opus", "audio/ogg", "opus"),
    ],
)
def test_a_sound_is_as_long_as_it_was_made(tmp_path: Path, suffix: str, mime: str, codec: str) -> None:
    path = make_audio(tmp_path / f"a{suffix}", seconds=1.3)
    facts = probe(path)
    assert (facts.kind, facts.type, facts.codec) == ("audio", mime, codec)
    assert facts.duration == pytest.approx(1.3, abs=0.001)
    assert facts.bitrate == pytest.approx(path.stat().st_size * 8 / 1.3, rel=0.001)
    assert (facts.width, facts.height, facts.orientation, facts.frames, facts.fps) == (None,) * 5


def test_second_readings_of_sounds_agree(tmp_path: Path) -> None:
    paths = {
        suffix: make_audio(tmp_path / f"a{suffix}", seconds=0.7)
        for suffix in (".wav", ".flac", ".opus", ".mp3", ".aac", ".m4a")
    }
    told = {suffix: probe(path).duration for suffix, path in paths.items()}
    assert told[".wav"] == second.wav_seconds(paths[".wav"]) == 0.7
    assert told[".flac"] == second.flac_seconds(paths[".flac"]) == 0.7
    assert told[".opus"] == pytest.approx(second.opus_seconds(paths[".opus"]), abs=0.001)
    assert told[".aac"] == pytest.approx(second.adts_frames(paths[".aac"]) * 1024 / 48_000, abs=0.001)
    padding = (second.mp3_frames(paths[".mp3"]) - 1) * 1152 / 48_000 - (told[".mp3"] or 0)
    assert 0 < padding < 2 * 1152 / 48_000
    (track,) = second.iso_tracks(paths[".m4a"])
    assert track.codec == "mp4a"
    assert told[".m4a"] == pytest.approx(track.seconds - 1024 / 48_000, abs=0.001)


def test_a_sound_with_a_cover_picture_is_a_sound(tmp_path: Path, picture: Path) -> None:
    plain = make_audio(tmp_path / "plain.mp3", seconds=0.8)
    covered = tmp_path / "covered.mp3"
    covered.write_bytes(with_cover(plain.read_bytes(), picture.read_bytes()))
    facts = probe(covered)
    assert (facts.kind, facts.type, facts.codec) == ("audio", "audio/mpeg", "mp3")
    assert (facts.width, facts.frames, facts.duration) == (None, None, 0.8)


@pytest.mark.parametrize(
    ("suffix", "mime", "codec", "size_of"),
    [
        (".png", "image/png", "png", second.png_size),
        (".jpg", "image/jpeg", "jpeg", second.jpeg_size),
        (".webp", "image/webp", "webp", second.webp_size),
        (".gif", "image/gif", "gif", lambda path: (second.gif(path).width, second.gif(path).height)),
    ],
)
def test_a_picture_is_what_it_was_made_with(
    tmp_path: Path, suffix: str, mime: str, codec: str, size_of: Callable[[Path], tuple[int, int]]
) -> None:
    path = make_image(tmp_path / f"i{suffix}", width=101, height=67)
    facts = probe(path)
    assert (facts.kind, facts.type, facts.container, facts.codec) == ("image", mime, None, codec)
    assert (facts.width, facts.height) == size_of(path) == (101, 67)
    assert (facts.orientation, facts.transparency, facts.animated, facts.frames) == ("landscape", False, False, 1)
    assert (facts.duration, facts.fps, facts.bitrate) == (None, None, None)


@pytest.mark.parametrize(("alpha", "told"), [(255, "opaque"), (254, "transparent"), (0, "transparent")])
def test_transparency_is_what_is_seen_not_what_the_format_could_hold(tmp_path: Path, alpha: int, told: str) -> None:
    pixels = [[(9, 9, 9, 255)] * 4, [(9, 9, 9, 255)] * 3 + [(9, 9, 9, alpha)]]
    assert probe(second.write_png(tmp_path / "p.png", pixels)).transparency is (told == "transparent")


def test_a_gif_with_a_transparent_colour_is_transparent(tmp_path: Path) -> None:
    path = tmp_path / "dot.gif"
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(3) + b"\xff\xff\xff"
    control = b"\x21\xf9\x04\x01\0\0\0\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0;"
    path.write_bytes(screen + control + image)
    facts = probe(path)
    assert (facts.width, facts.height, facts.transparency, facts.animated) == (1, 1, True, False)


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_an_animated_picture_is_an_image_with_frames_and_a_length(
    silent_video: Path, tmp_path: Path, form: str
) -> None:
    path = produce("animation", {"format": form, "fps": 5, "width": 40}, silent_video, tmp_path)
    facts = probe(path)
    assert (facts.kind, facts.type, facts.codec, facts.animated) == ("image", f"image/{form}", form, True)
    assert (facts.width, facts.height, facts.orientation, facts.transparency) == (40, 40, "square", False)
    assert (facts.frames, facts.duration, facts.fps) == (5, 1.0, 5.0)
    if form == "gif":
        assert second.gif(path) == second.Gif(40, 40, 5, 1.0)
    else:
        assert second.webp_size(path) == (40, 40)
        assert second.webp_delays(path) == [200] * 5


def test_the_name_of_a_file_says_nothing(video: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "%03d holiday.txt"
    renamed.write_bytes(video.read_bytes())
    assert probe(renamed) == probe(video)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"empty \(0 bytes\)"),
        ("Grüße, this is a letter.\n".encode() * 300, "is text"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "is text"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "is text"),
        (b"PK\x03\x04" + bytes(200), "zip archive"),
        (b"%PDF-1.7\n" + bytes(200), "PDF"),
        (bytes(range(256)) * 20, "known kind"),
        (b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20, "mp4 file cannot be read"),
        (b"\xff\xfb\x90\0" + bytes(range(256)) * 20, "mp3 file cannot be read|nothing in it can be decoded"),
        (b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 20, "matroska file cannot be read"),
        (b"RIFF\x04\0\0\0WEBP", "webp"),
        (b"\0\0\0\x18ftypheic" + bytes(200), "HEIC"),
        ("\ufeffA letter in another script.".encode("utf-16-le") * 9, "known kind"),
    ],
)
def test_what_is_no_media_is_refused_with_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(CannotProcess, match=sentence) as refusal:
        probe(path)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".gif"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_picture_cut_short_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = make_image(tmp_path / f"i{suffix}", width=64, height=64)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(CannotProcess):
        probe(path)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_a_video_without_its_index_is_refused(video: Path, tmp_path: Path, part: float) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[: int(video.stat().st_size * part)])
    with pytest.raises(CannotProcess, match=r"mp4 file cannot be read|holds neither pictures nor sound"):
        probe(cut)


def test_a_video_with_its_index_but_not_all_its_pictures_is_refused(video: Path, tmp_path: Path) -> None:
    quick = produce("video", {}, video, tmp_path)  # its index stands first
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(quick.read_bytes()[: quick.stat().st_size * 7 // 10])
    with pytest.raises(CannotProcess, match=r"incomplete: it holds \d+ of the 36 pieces"):
        probe(cut)


@pytest.mark.parametrize(("suffix", "told"), [(".wav", 1.0), (".mp3", 1.0), (".aac", 1.0)])
def test_a_stream_cut_short_is_told_as_long_as_it_still_is(tmp_path: Path, suffix: str, told: float) -> None:
    path = make_audio(tmp_path / f"a{suffix}", seconds=2)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path).duration == pytest.approx(told, abs=0.025)


def test_a_webm_cut_short_is_told_by_what_it_still_holds(encoded: Callable[..., Path], tmp_path: Path) -> None:
    whole = encoded("whole.webm", "libvpx-vp9")
    cut = tmp_path / "cut.webm"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    facts = probe(cut)
    assert facts.frames is not None
    assert 0 < facts.frames < 12
    assert facts.duration == pytest.approx(facts.frames / 12, abs=0.02)


def test_pixels_that_are_not_square_are_told_as_stored(encoded: Callable[..., Path]) -> None:
    facts = probe(encoded("wide.mp4", "libx264", 0, Fraction(2)))
    assert (facts.width, facts.height) == (96, 64)


def open_files() -> list[str]:
    """Return where the descriptors of this process lead, those of other threads too."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # another thread has just closed it
            found.append(str(descriptor.readlink()))
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are found the way Linux shows them")
def test_no_file_stays_open_whatever_happens(video: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom" + bytes(3000))
    for _ in range(3):
        probe(video)
        with pytest.raises(CannotProcess):
            probe(broken)
        with pytest.raises(CannotProcess):
            produce("image", {"start": 99}, video, tmp_path)
        produce("image", {"width": 20}, video, tmp_path)
        produce("video", {"width": 32, "end": 0.2}, video, tmp_path)
    ours = (str(video.resolve()), str(tmp_path.resolve()))
    assert [path for path in open_files() if path.startswith(ours)] == []
