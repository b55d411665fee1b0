"""A real Chromium, without a window, driven through its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
KEYS = {"Tab": 9, "Enter": 13}
WAIT = """new Promise((resolve, reject) => {
    const end = performance.now() + %s;
    const look = () => {
        try {
            if (%s) resolve(true);
            else if (performance.now() > end) resolve(false);
            else setTimeout(look, 25);
        } catch (error) { reject(error); }
    };
    look();
})"""


def installed() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class CommandError(Exception):
    """The browser refused a command, such as a question to a page that just goes elsewhere."""


class Browser:
    """One browser with one page; everything that it asks of the network and complains about is kept.

    :param program: the path of a Chromium.
    :param options: more options of its command line.
    """

    patience = 30.0
    """Seconds for which a page is waited for."""

    def __init__(self, program: str, *options: str) -> None:
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        self._folder = tempfile.TemporaryDirectory(prefix="ittybit-browser-", ignore_cleanup_errors=True)
        self._numbers = itertools.count(1)
        arguments = [program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={self._folder.name}"]
        arguments += ["--no-first-run", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
        arguments += ["--disable-component-update", "--disable-sync", "--no-proxy-server", *options, "about:blank"]
        if os.geteuid() == 0:
            arguments.insert(1, "--no-sandbox")  # its sandbox cannot be set up by root
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(arguments, stdout=silent, stderr=silent)  # noqa: S603 - the browser
        self._stack = contextlib.ExitStack()
        socket = connect(self._address(), max_size=None, open_timeout=self.patience, ping_interval=None)
        self._socket = self._stack.enter_context(socket)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session: str | None = None
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def open(self, url: str) -> None:
        """Go to a page, and return when it is there."""
        self._loaded = False
        self.call("Page.navigate", url=url)
        while not self._loaded:
            self._note(json.loads(self._socket.recv(timeout=2 * self.patience)))

    def evaluate(self, script: str, *, when_left: Any = None) -> Any:
        """Return the value of an expression in the page; promises are awaited.

        :param when_left: returned if the page goes elsewhere meanwhile; by default that raises :exc:`CommandError`.
        """
        try:
            answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        except CommandError:
            if when_left is None:
                raise
            return when_left
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Return as soon as an expression is true in the page, which looks itself; asking without end fills a core."""
        script, end = WAIT % (1000 * self.patience, condition), time.monotonic() + self.patience
        while not self.evaluate(script, when_left=False):
            assert time.monotonic() < end, (
                f"{condition} did not become true:\n{self.evaluate('document.body.innerText')}"
            )

    def emulate(self, *, width: int = 1200, height: int = 900, scheme: str = "light") -> None:
        """Give the page a size in pixels, and a colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str) -> None:
        """Press a key: ``Tab`` or ``Enter``."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    def screenshot(self, path: Path) -> Path:
        """Write what the page looks like to a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        return path

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol, and return its result."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=2 * self.patience))
            self._note(answer)
            if answer.get("id") == number:
                if "error" in answer:
                    raise CommandError(answer["error"]["message"])
                return dict(answer["result"])

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(parameters))

    def _address(self) -> str:
        told = Path(self._folder.name) / "DevToolsActivePort"
        end = time.monotonic() + self.patience
        while not (told.exists() and len(lines := told.read_text().splitlines()) == 2):
            assert self._process.poll() is None, "Chromium ended at once"
            assert time.monotonic() < end, "Chromium did not start"
            time.sleep(0.05)  # another process writes the file, and there is nothing to wait on
        return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
