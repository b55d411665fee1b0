"""The emulator's page in a real browser. ``make chromium`` installs one where that is possible."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from system.browser import Browser, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

HOSTILE = '<img src=x onerror="window.hacked=1">\'&quot;<script>window.hacked=1<\\script>.png'
CARDS = "[...document.querySelectorAll('.card')]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = installed()
    if program is None and not os.environ.get("CI"):
        pytest.skip("no Chromium is installed; `make chromium` installs one where apt and root are at hand")
    assert program is not None, "CI must have a Chromium: `make chromium` failed"
    with Browser(program) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, emulator: RunningEmulator) -> Browser:
    """The page of the emulator, which holds all processing."""
    emulator.control.settings(processing="held")
    browser.emulate()
    browser.open(emulator.api_url)
    browser.requested.clear()
    browser.complaints.clear()
    return browser


@pytest.fixture
def upload(emulator: RunningEmulator) -> Callable[..., dict[str, Any]]:
    """Upload a file in one of the generations, by its own way."""

    def send(path: Path, version: str = "2025-08-20", name: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {emulator.api_key}", "Accept-Version": version}
        name = name or path.name
        if version == "media":
            files = {"file": (name, path.read_bytes())}
            answer = httpx.post(f"{emulator.uploads_url}/media", headers=headers, files=files)
        else:
            place = httpx.URL(emulator.delivery_url, path=f"/{name}")
            answer = httpx.put(place, headers=headers, content=path.read_bytes())
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    return send


def test_media_of_all_generations_is_shown_newest_first_with_its_thumbnails(
    page: Browser, emulator: RunningEmulator, upload: Callable[..., Any], *, video: Path, image: Path, audio: Path
) -> None:
    upload(video, "media")
    upload(image, "2025-01-01")
    upload(audio, "2025-08-20")
    emulator.control.release()
    page.wait_until(f"{CARDS}.length === 3 && {CARDS}.every(card => card.innerText.includes('ready'))")
    assert page.evaluate(f"{CARDS}.map(card => card.querySelector('h3').innerText)") == [
        "tone.mp3",
        "still.png",
        "clip.mp4",
    ]
    page.wait_until(
        "[...document.images].length === 2 && [...document.images].every(image => image.naturalWidth === 320)"
    )
    assert page.evaluate("document.querySelector('#summary').innerText") == "3 in all: 3 ready"


def test_a_state_changes_before_ones_eyes_without_the_page_being_loaded_again(
    page: Browser, emulator: RunningEmulator, upload: Callable[..., Any], image: Path
) -> None:
    page.evaluate("window.mark = 'still the same page'")
    upload(image)
    page.wait_until(f"{CARDS}.length === 1 && {CARDS}[0].innerText.includes('waiting')")
    card = f"document.getElementById({page.evaluate(f'{CARDS}[0].id')!r})"
    page.evaluate(f"window.card = {card}")
    emulator.control.release()
    page.wait_until(f"{CARDS}[0].innerText.includes('ready')")
    assert page.evaluate("window.mark") == "still the same page"
    assert page.evaluate(f"{card} === window.card")
    assert not [url for url in page.requested if not url.startswith(f"{emulator.api_url}/_emulator/")]
    page.wait_until("document.images[0].naturalWidth === 320")
    emulator.control.reset()
    page.wait_until(f"{CARDS}.length === 0")
    assert page.complaints == []


def test_what_failed_says_why(
    page: Browser, emulator: RunningEmulator, upload: Callable[..., Any], image: Path
) -> None:
    emulator.control.fault(fail_processing="The lens was covered.")
    upload(image)
    emulator.control.release()
    page.wait_until(f"{CARDS}.length === 1 && {CARDS}[0].innerText.includes('The lens was covered.')")
    assert "failed" in page.evaluate(f"{CARDS}[0].innerText")


def test_a_name_that_looks_like_markup_is_shown_as_text_and_nothing_of_it_runs(
    page: Browser, emulator: RunningEmulator, upload: Callable[..., Any], image: Path
) -> None:
    upload(image, name=HOSTILE)
    page.wait_until(f"{CARDS}.length === 1")
    assert page.evaluate(f"{CARDS}[0].querySelector('h3').textContent") == HOSTILE
    assert page.evaluate("document.images.length") == 0
    page.open(emulator.api_url)
    assert page.evaluate(f"{CARDS}[0].querySelector('h3').textContent") == HOSTILE
    assert page.evaluate("typeof window.hacked") == "undefined"


def test_the_policy_of_the_page_stops_a_script_that_came_in_all_the_same(page: Browser) -> None:
    page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script); 0"
    )
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert all("Content Security Policy" in complaint for complaint in page.complaints)
    assert len(page.complaints) >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_by_everybody(
    page: Browser, emulator: RunningEmulator, upload: Callable[..., Any], image: Path, tmp_path: Path, *, scheme: str
) -> None:
    page.emulate(scheme=scheme)
    upload(image)
    emulator.control.release()
    page.wait_until(f"{CARDS}.length === 1 && {CARDS}[0].innerText.includes('ready')")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("[...document.images].every(image => image.hasAttribute('alt'))")
    assert page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(heading => heading.tagName)") == [
        "H1",
        "H2",
        "H3",
    ]
    assert page.evaluate("document.querySelectorAll('main').length") == 1
    assert page.evaluate("document.querySelector('#summary').getAttribute('role')") == "status"
    page.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert min(page.evaluate(CONTRASTS).values()) >= 4.5
    page.emulate(width=360, height=700, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    assert page.screenshot(tmp_path / "page.png").stat().st_size > 1000


CONTRASTS = """(() => {
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = {};
  for (const element of document.querySelectorAll('h1,h2,h3,p,dt,dd,code,a,.badge,time')) {
    const [a, b] = [light(parts(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
    found[element.tagName + '.' + element.className] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return found;
})()"""
