"""The time as the poller sees it, in one place so that a test can take it in its own hands."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """The real time."""

    def now(self) -> float:
        """Return seconds that never go back, for pauses."""
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """Return Unix seconds, for deadlines."""
        return time.time()

    async def wait(self, news: asyncio.Event, seconds: float | None) -> None:
        """Wait until there is news, at most so many seconds; ``None`` for without end."""
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return
