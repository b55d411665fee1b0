"""A page that a person uses: click, type, wait for what it shows, and take its picture when it is at rest."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from system.browser import Browser, installed

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 120.0
"""Seconds that a page of a busy Airflow may take to show what is waited for."""
REST = 1.0
"""Seconds for which nothing may have moved on a page that is at rest."""
LAYOUT = """JSON.stringify([...document.querySelectorAll('a, button, h1, h2, img, input, label, p, td')].map(one => {
    const box = one.getBoundingClientRect();
    return [one.tagName, Math.round(box.x), Math.round(box.y), Math.round(box.width), Math.round(box.height)];
}))"""
"""Where everything is that a person reads or clicks; not the cursor of an editor, which blinks."""
IS_AT_REST = f"""document.fonts.status === 'loaded' && (() => {{
    const now = {LAYOUT};
    if (now !== window.layoutBefore) [window.layoutBefore, window.layoutSince] = [now, performance.now()];
    return performance.now() - window.layoutSince > {1000 * REST};
}})()"""
CENTRE = """(() => {
    const wanted = %s;
    const shown = [...document.querySelectorAll(%s)].filter(one => one.getClientRects().length);
    const one = shown.filter(each => !wanted || [each.innerText.trim(), each.ariaLabel].includes(wanted)).pop();
    if (!one) return null;
    one.scrollIntoView({block: 'center'});
    const box = one.getBoundingClientRect();
    return {x: box.x + box.width / 2, y: box.y + box.height / 2};
})()"""


class Tab(Browser):
    """A browser whose page looks the same on each machine.

    :raises LookupError: there is no Chromium on this machine.
    """

    patience = LONGEST

    def __init__(self) -> None:
        program = installed()
        if program is None:
            message = "No Chromium is installed; Debian's package is called chromium."
            raise LookupError(message)
        super().__init__(program, "--force-color-profile=srgb", "--hide-scrollbars", "--lang=en-GB")

    def goto(self, url: str, shows: str) -> None:
        """Open a page and wait until it shows a text."""
        self.open(url)
        self.wait_until_shown(shows)

    def wait_until_shown(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.wait_until(f"document.body && document.body.innerText.includes({json.dumps(text)})")

    def click(self, selector: str, text: str = "") -> None:
        """Click the last element that is shown, with this text or label if one is given, as a mouse does."""
        centre = CENTRE % (json.dumps(text), json.dumps(selector))
        self.wait_until(centre)
        at = self.evaluate(centre)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def write(self, text: str) -> None:
        """Put a text into the field that has the focus."""
        self.call("Input.insertText", text=text)

    def picture(self, target: Path, selector: str | None = None) -> None:
        """Write what is seen, or one element of it, as PNG."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)  # nothing shows a hint
        self.wait_until(IS_AT_REST)
        clip = {}
        if selector:
            box = self.evaluate(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
            clip = {"clip": {name: box[name] for name in ("x", "y", "width", "height")} | {"scale": 1}}
        target.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"]))
