"""A PostgreSQL and a Redis of a test's own: in a temporary folder, on a free port, as nobody special."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from free_ports import free_port
from system.scheduled_airflow import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEBIAN = "/usr/lib/postgresql/*/bin"
LONGEST_END = 30.0
"""Seconds for a server to end by itself."""


def postgresql_folder() -> Path | None:
    """Return the folder of PostgreSQL's programs, Debian's newest first; ``None`` if it is not installed."""
    debian = sorted(Path("/").glob(DEBIAN.removeprefix("/")), key=lambda path: int(path.parent.name), reverse=True)
    elsewhere = shutil.which("initdb")
    return next((path for path in debian if (path / "initdb").exists()), Path(elsewhere).parent if elsewhere else None)


def missing_servers() -> list[str]:
    """Name the Debian packages that are needed and not installed."""
    there = {"postgresql": postgresql_folder(), "redis-server": shutil.which("redis-server")}
    return [name for name, program in there.items() if not program]


@dataclass
class Server(AbstractContextManager["Server"]):
    """One server and its folder; both are gone afterwards."""

    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    folder: Path = field(init=False)
    _process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Any:
        self.folder = Path(tempfile.mkdtemp(prefix="ittybit-server-"))
        try:
            _give_away(self.folder)
            self.prepare()
            with (self.folder / "server.log").open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - a server of Debian's
                    self.command(), stdout=log, stderr=log, cwd=self.folder, **_as_nobody_special()
                )
            until(self._listens, f"a {type(self).__name__} that listens")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def prepare(self) -> None:
        """Make what the server needs before it starts."""

    def command(self) -> Sequence[str]:
        """Return the command that starts it."""
        raise NotImplementedError

    def run(self, *command: str) -> None:
        """Run one of its programs, as the user that the server runs as."""
        done = subprocess.run(  # noqa: S603 - a program of Debian's
            command, capture_output=True, text=True, check=False, cwd=self.folder, **_as_nobody_special()
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _end(self) -> None:
        if hasattr(self, "_process") and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(LONGEST_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(LONGEST_END)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class PostgreSQL(Server):
    """A cluster of its own, with one database."""

    user: str = "airflow"

    def prepare(self) -> None:
        """Make the cluster."""
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        _give_away(secret)
        secret.write_text(self.password)
        authentication = ["--auth=scram-sha-256", f"--pwfile={secret}", f"--username={self.user}"]
        self.run(str(self._programs / "initdb"), "--no-sync", f"--pgdata={self.folder / 'data'}", *authentication)

    def command(self) -> Sequence[str]:
        """Listen on this machine only, without a socket file and without writing through to the disk."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 200,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *options]

    @property
    def address(self) -> str:
        """What a SQLAlchemy URL has after its ``://``."""
        return f"{self.user}:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def _programs(self) -> Path:
        found = postgresql_folder()
        assert found is not None
        return found


@dataclass
class Redis(Server):
    """A broker that keeps nothing on disk."""

    def command(self) -> Sequence[str]:
        """Listen on this machine only."""
        settings = self.folder / "redis.conf"
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", "save ''", f"dir {self.folder}"]
        settings.write_text("\n".join(lines))
        _give_away(settings)
        return ["redis-server", str(settings)]

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@contextlib.contextmanager
def both() -> Iterator[tuple[PostgreSQL, Redis]]:
    """Start both, and stop both afterwards."""
    with PostgreSQL() as database, Redis() as broker:
        yield database, broker


def _as_nobody_special() -> dict[str, Any]:
    """Say as whom a server runs: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = _unprivileged()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _unprivileged() -> pwd.struct_passwd:
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        user = _unprivileged()
        os.chown(path, user.pw_uid, user.pw_gid)


if __name__ == "__main__":
    if missing := missing_servers():
        message = f"not installed: {', '.join(missing)}; on Debian, apt-get install -y {' '.join(missing)}"
        raise SystemExit(message)
