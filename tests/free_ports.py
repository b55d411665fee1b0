"""Ports for servers of tests, which stay free until the server takes them."""

from __future__ import annotations

import contextlib
import secrets
import socket

PORTS = range(20_000, 32_000)
"""Where no system takes ports by itself, as it does for a client and for port 0: one found free there stays so."""


def free_ports(count: int) -> list[int]:
    """Find so many ports of the loopback interface, each another one, that nobody listens on."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def free_port() -> int:
    """Find one."""
    return free_ports(1)[0]
