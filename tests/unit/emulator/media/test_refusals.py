"""What cannot be made is refused and leaves nothing behind; what can be made is the same each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.emulator.media.facts import CannotProcess
from airflow_provider_ittybit.emulator.media.production import PRODUCIBLE, produce

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("task", "source", "sentence"),
    [
        (("speech", {}), "video", "speech is not done here"),
        (("image", {"wdth": 3}), "video", "image has no option wdth here; it has background, fit, format"),
        (("video", {"layers": [], "watermark": 1}), "video", "no option layers, watermark"),
        (("audio", {"format": "wav", "bitrate": 64000}), "sound", "no option bitrate"),
        (("audio", {"bitrate": 64000, "quality": 50}), "sound", "not both"),
        (("audio", {"bitrate": 1000}), "sound", "a number from 32000 to 320000"),
        (("image", {"format": "tiff"}), "video", "one of jpeg, jpg, png, webp"),
        (("image", {"width": 0}), "video", "a number from 1 to 8192"),
        (("image", {"width": True}), "video", "width True"),
        (("image", {"width": "wide"}), "video", "width 'wide'"),
        (("image", {"width": float("nan")}), "video", "width nan"),
        (("image", {"fit": "squeeze"}), "video", "one of contain, cover, fill"),
        (("image", {"background": "sky"}), "video", "a colour such as"),
        (("image", {"quality": "superb"}), "video", "one of very_low, low"),
        (("image", {"quality": 101}), "video", "a number from 0 to 100"),
        (("image", {"start": -1}), "video", "a number from 0"),
        (("image", {"start": 1.5}), "video", "1.5 seconds long: there is nothing at 1.5"),
        (("image", {"start": 1}), "picture", "still picture"),
        (("image", {}), "sound", "sound only"),
        (("video", {"start": 1, "end": 1}), "video", "Nothing lies between"),
        (("video", {"fps": 61}), "video", "a number from 1 to 60"),
        (("video", {"codec": "vp9", "format": "mov"}), "video", "one of h264, h265"),
        (("video", {}), "picture", "still picture: no video"),
        (("video", {}), "sound", "sound only"),
        (("audio", {}), "picture", "no sound"),
        (("audio", {}), "silent_video", "no sound"),
        (("animation", {}), "picture", "still picture: no animation"),
        (("thumbnails", {}), "sound", "no video but audio"),
        (("thumbnails", {"interval": 0.02}), "flag", "would make 150 thumbnails; 100 is the most"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing_behind(
    request: pytest.FixtureRequest, tmp_path: Path, task: tuple[str, dict[str, object]], source: str, sentence: str
) -> None:
    with pytest.raises(CannotProcess, match=sentence) as refusal:
        produce(*task, request.getfixturevalue(source), tmp_path)
    assert str(refusal.value).endswith(".")
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_no_media_is_refused(tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear reader,\n")
    for kind in sorted(PRODUCIBLE):
        with pytest.raises(CannotProcess, match="text"):
            produce(kind, {}, letter, tmp_path)
    assert list(tmp_path.iterdir()) == [letter]


def test_damage_in_the_middle_leaves_no_half_file(video: Path, tmp_path: Path) -> None:
    data = bytearray(video.read_bytes())
    middle = data.index(b"mdat") + 4000
    data[middle : middle + 6000] = bytes(index * 37 & 0xFF for index in range(6000))
    damaged, folder = tmp_path / "damaged.mp4", tmp_path / "out"
    damaged.write_bytes(data)
    folder.mkdir()
    with pytest.raises(CannotProcess, match="cannot be"):
        produce("video", {}, damaged, folder)
    assert list(folder.iterdir()) == []


def test_the_source_stays_as_it_is(video: Path, tmp_path: Path) -> None:
    before = video.read_bytes()
    for kind in sorted(PRODUCIBLE):
        produce(kind, {}, video, tmp_path)
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("image", {"width": 50}),
        ("video", {"width": 50, "height": 34, "fit": "cover"}),
        ("video", {"format": "webm", "end": 0.3}),
        ("video", {"codec": "h265", "end": 0.3}),
        ("video", {"codec": "av1", "end": 0.3}),
        ("audio", {"format": "opus"}),
        ("animation", {"width": 40}),
        ("animation", {"width": 40, "format": "webp"}),
        ("thumbnails", {}),
    ],
)
def test_the_same_wish_makes_the_same_bytes(video: Path, tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    made = {produce(kind, options, video, tmp_path).read_bytes() for _ in range(4)}
    assert len(made) == 1


def test_many_can_be_made_at_once(video: Path, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(6)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda folder: produce("video", {"width": 48}, video, folder).read_bytes(), folders))
    assert len(set(made)) == 1
