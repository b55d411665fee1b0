"""Both transports behind one face, so that one test can ask the same of each."""

from __future__ import annotations

import asyncio
import pickle
import traceback
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from airflow_provider_ittybit.api.decoding import read_anything
from airflow_provider_ittybit.api.messages import Call, Request
from airflow_provider_ittybit.api.settings import Settings, read_settings
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.transport.blocking import BlockingTransport

T = TypeVar("T")

KEY = "ittybit_live_k3yThatNobodyMaySee"


class Carrier(Protocol):
    """A transport, and how long it paused between attempts."""

    slept: list[float]

    def send(self, call: Call[T]) -> T:
        """Send a call."""

    def close(self) -> None:
        """Close all connections."""


Carriers = Callable[..., Carrier]


class BlockingCarrier:
    """The transport of a worker."""

    def __init__(self, settings: Settings, on_pause: Callable[[], None]) -> None:
        self.slept: list[float] = []

        def pause(seconds: float) -> None:
            self.slept.append(seconds)
            on_pause()

        self.transport = BlockingTransport(settings, sleep=pause)

    def send(self, call: Call[T]) -> T:
        return self.transport.send(call)

    def close(self) -> None:
        self.transport.close()


class AsyncCarrier:
    """The transport of the triggerer, in an event loop of its own."""

    def __init__(self, settings: Settings, on_pause: Callable[[], None]) -> None:
        self.slept: list[float] = []
        self._runner = asyncio.Runner()

        async def pause(seconds: float) -> None:
            self.slept.append(seconds)
            on_pause()

        self.transport = AsyncTransport(settings, sleep=pause)

    def send(self, call: Call[T]) -> T:
        return self._runner.run(self.transport.send(call))

    def close(self) -> None:
        self._runner.run(self.transport.close())

    def end(self) -> None:
        """Close the connections and the event loop."""
        self.close()
        self._runner.close()


def settings_for(url: str, **extra: Any) -> Settings:
    """Make settings for a server: three retries, five seconds, the ``files-flat`` generation."""
    values = {"api_version": "files-flat", "max_retries": 3, "timeout": 5, **extra}
    return read_settings("ittybit_default", host=url, password=KEY, extra=values)


def call(method: str = "GET", path: str = "/files/file_1", **parts: Any) -> Call[Any]:
    """Make a call whose answer is any JSON."""
    return Call(Request(method, path, **parts), read_anything)


def everything_about(error: BaseException) -> str:
    """Return all that a person, a log or another process could see of an error."""
    seen = [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
    return "\n".join([*seen, pickle.dumps(error).decode("latin-1")])
