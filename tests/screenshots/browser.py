"""A Chromium without a window, driven over its DevTools protocol: go somewhere, click, type, wait, take a picture."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp  # noqa: TID253 - no DAG imports it

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome")
LONGEST = 120.0
"""Seconds that a page may take to show what is waited for."""
LOOK_EVERY = 0.1
OPTIONS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--lang=en-GB",
)
REST = 1.0
"""Seconds for which nothing may have moved on a page that is at rest."""
LAYOUT = """JSON.stringify([...document.querySelectorAll('a, button, h1, h2, img, input, label, p, td')].map(one => {
    const box = one.getBoundingClientRect();
    return [one.tagName, Math.round(box.x), Math.round(box.y), Math.round(box.width), Math.round(box.height)];
}))"""
"""Where everything is that a person reads or clicks; not the cursor of an editor, which blinks."""
CENTRE = """(() => {
    const wanted = %s;
    const shown = [...document.querySelectorAll(%s)].filter(one => one.getClientRects().length);
    const one = shown.filter(each => !wanted || [each.innerText.trim(), each.ariaLabel].includes(wanted)).pop();
    if (!one) return null;
    one.scrollIntoView({block: 'center'});
    const box = one.getBoundingClientRect();
    return {x: box.x + box.width / 2, y: box.y + box.height / 2};
})()"""


class BrowserError(Exception):
    """The browser is not there, did not start, or refused a command."""


class NeverShownError(Exception):
    """A page did not show what was waited for; the text has what it showed."""


@dataclass
class Tab:
    """One tab of a browser.

    :param socket: its DevTools connection.
    """

    socket: aiohttp.ClientWebSocketResponse
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result; events in between are passed over."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self.socket.receive_json(timeout=LONGEST)
            if answer.get("id") != number:
                continue
            if "error" in answer:
                message = f"{method}: {answer['error']['message']}"
                raise BrowserError(message)
            return dict(answer["result"])

    async def resize(self, width: int, height: int) -> None:
        """Make what is seen of a page so large, in pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def goto(self, url: str, shows: str) -> None:
        """Open a page and wait until it shows a text."""
        await self.call("Page.navigate", url=url)
        await self.until_shown(shows)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; ``None`` while a page is being replaced."""
        try:
            result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except BrowserError:
            return None
        return result["result"].get("value")

    async def until(self, expression: str, what: str) -> Any:
        """Evaluate until there is a value, and return it."""
        deadline = time.monotonic() + LONGEST
        while not (value := await self.evaluate(expression)):
            if time.monotonic() > deadline:
                shown = await self.evaluate("location.href + '\\n' + document.body.innerText")
                message = f"{what}: not within {LONGEST:.0f} s. The page shows:\n{shown}"
                raise NeverShownError(message)
            await asyncio.sleep(LOOK_EVERY)
        return value

    async def until_shown(self, text: str) -> None:
        """Wait until the page shows a text."""
        await self.until(f"!!document.body && document.body.innerText.includes({json.dumps(text)})", repr(text))

    async def until_still(self) -> None:
        """Wait until nothing on the page moves or loads any more, so that a picture shows its final state."""
        await self.until("document.fonts.status === 'loaded'", "the fonts")
        deadline, before = time.monotonic() + LONGEST, None
        while (now := await self.evaluate(LAYOUT)) != before or now is None:
            if time.monotonic() > deadline:
                message = f"The page is not at rest after {LONGEST:.0f} s."
                raise NeverShownError(message)
            before = now
            await asyncio.sleep(REST)

    async def click(self, selector: str, text: str = "") -> None:
        """Click the last element that is shown, with this text or label if one is given, as a mouse does."""
        centre = CENTRE % (json.dumps(text), json.dumps(selector))
        at = await self.until(centre, f"something to click: {selector} {text}")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    async def write(self, text: str) -> None:
        """Put a text into the field that has the focus."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press and release a key, such as Enter."""
        code = {"Enter": 13, "Escape": 27}[key]
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    async def picture(self, target: Path, selector: str | None = None) -> None:
        """Write what is seen, or one element of it, as PNG."""
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)  # nothing shows a hint
        await self.until_still()
        clip = {}
        if selector:
            box = await self.until(
                f"JSON.parse(JSON.stringify(document.querySelector({json.dumps(selector)}).getBoundingClientRect()))",
                selector,
            )
            clip = {"clip": {name: box[name] for name in ("x", "y", "width", "height")} | {"scale": 1}}
        taken = await self.call("Page.captureScreenshot", format="png", optimizeForSpeed=False, **clip)
        await asyncio.to_thread(target.write_bytes, base64.b64decode(taken["data"]))


@contextlib.asynccontextmanager
async def open_tab() -> AsyncIterator[Tab]:
    """Start a browser with a profile of its own, give one tab of it, and end it.

    :raises BrowserError: there is no Chromium on this machine.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        message = f"None of {', '.join(NAMES)} is installed; Debian's package is called chromium."
        raise BrowserError(message)
    with tempfile.TemporaryDirectory(prefix="ittybit-browser-", ignore_cleanup_errors=True) as profile:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
        process = await asyncio.create_subprocess_exec(
            program, *OPTIONS, *as_root, f"--user-data-dir={profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(profile), process)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    [target] = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _port(profile: Path, process: asyncio.subprocess.Process) -> int:
    """Wait until the browser has written down its port."""
    deadline = time.monotonic() + LONGEST
    while (port := _written(profile / "DevToolsActivePort")) is None:
        if process.returncode is not None or time.monotonic() > deadline:
            message = f"The browser did not start (status {process.returncode})."
            raise BrowserError(message)
        await asyncio.sleep(LOOK_EVERY)
    return port


def _written(file: Path) -> int | None:
    """Read a port, followed by a path; ``None`` while they are not there."""
    lines = file.read_text().split() if file.exists() else []
    return int(lines[0]) if len(lines) == 2 else None
