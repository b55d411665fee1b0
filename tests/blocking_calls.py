"""Finds calls of the package that hold up an event loop: until they return, nothing moves of all that waits there.

What a callback computes, the tests of triggers measure as CPU time. What it waits for takes none, so it is found here:
by the functions that wait, watched from their first use to the end of the process.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PACKAGE, EMULATOR = "airflow_provider_ittybit.", "airflow_provider_ittybit.emulator."
"""The emulator's client is for tests, which may wait for it wherever they are."""
OF_A_SOCKET = ("connect", "connect_ex", "accept", "recv", "recv_into", "recvfrom", "send", "sendall", "sendto")
WAITING = (
    ("time", "", "sleep"),
    *(("socket", "socket", name) for name in OF_A_SOCKET),
    ("socket", "", "getaddrinfo"),
    ("requests.sessions", "Session", "send"),
    ("sqlalchemy.engine.base", "Engine", "connect"),
    ("airflow.sdk.bases.hook", "BaseHook", "get_connection"),
    ("airflow.hooks.base", "BaseHook", "get_connection"),
)
"""Module, class and name of what waits. Modules are watched once they are loaded, and none is loaded for it."""

_found: list[str] = []


def watch() -> list[str]:
    """Watch all that waits and is loaded by now; return the list to which each call that holds up a loop is added."""
    for module, owner, name in WAITING:
        place: Any = sys.modules.get(module)
        place = getattr(place, owner, None) if owner else place
        if place is not None and not hasattr(getattr(place, name), "__wrapped__"):
            setattr(place, name, _watched(vars(place).get(name, getattr(place, name)), owner or module))
    return _found


def _watched(original: Any, owner: str) -> Any:
    call: Callable[..., Any] = original.__func__ if isinstance(original, classmethod) else original

    @functools.wraps(call)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if asyncio._get_running_loop() is not None and not _returns_at_once(args):
            caller = _line_of_the_package(sys._getframe(1))
            if caller is not None:
                _found.append(f"{owner}.{call.__name__} holds up the event loop, called by {caller}")
        return call(*args, **kwargs)

    return classmethod(watched) if isinstance(original, classmethod) else watched


def _returns_at_once(args: tuple[Any, ...]) -> bool:
    return bool(args) and isinstance(args[0], socket.socket) and args[0].gettimeout() == 0


def _line_of_the_package(frame: FrameType | None) -> str | None:
    """Tell where the loop runs the package; a test may ask as a worker does in the middle of its own coroutine."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(PACKAGE) and not name.startswith(EMULATOR) and _is_run_by_a_loop(frame):
            return f"{name}, line {frame.f_lineno}"
        frame = frame.f_back
    return None


def _is_run_by_a_loop(frame: FrameType) -> bool:
    if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return True
    return frame.f_back is not None and frame.f_back.f_globals.get("__name__") == "asyncio.events"
