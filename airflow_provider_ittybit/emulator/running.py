"""An emulator inside a Python process: for tests, and for everything else that wants one for a while."""

from __future__ import annotations

import json
import secrets
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from airflow_provider_ittybit.emulator.app import Emulator
from airflow_provider_ittybit.emulator.server import Server, Sockets
from airflow_provider_ittybit.emulator.service import Service
from airflow_provider_ittybit.emulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class ControlError(Exception):
    """The control endpoint said no; the text is its message."""


class Control:
    """Speaks to the control endpoint of a running emulator.

    :param api_url: the address of its api port.
    """

    def __init__(self, api_url: str) -> None:
        self._base = f"{api_url}/_emulator"
        self._opener = build_opener(ProxyHandler({}))

    def health(self) -> dict[str, Any]:
        """Return that it is well, and its addresses."""
        return dict(self._call("GET", "health"))

    def reset(self) -> None:
        """Forget every resource, fault and request; the settings stay.

        A request that is not carried out yet, because a fault delays it or its body is still coming in, is dropped.
        """
        self._call("POST", "reset")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change some settings, and return them all.

        :param changes: the new values by name; see :class:`Settings`. Without any, none changes.
        :return: all settings by name, as they are then.
        :raises ControlError: a setting does not exist or cannot have this value; then none is changed.
        """
        return dict(self._call("PATCH", "settings", changes))

    def requests(self, *, method: str | None = None, path: str | None = None) -> list[dict[str, Any]]:
        """Return what was asked so far, but for the control endpoint: the last 20,000 requests.

        :param method: only this HTTP method, in upper case; by default all.
        :param path: only this exact path, without a query; by default all.
        :return: a dict for each request, oldest first: ``method``, ``path``, ``role``, ``status`` and more.
        """
        query = {name: value for name, value in (("method", method), ("path", path)) if value}
        return list(self._call("GET", f"requests?{urlencode(query)}"))

    def forget_requests(self) -> None:
        """Forget what was asked so far."""
        self._call("DELETE", "requests")

    def files(self) -> list[dict[str, Any]]:
        """Return all files, the deleted ones too, with their SHA-256."""
        return list(self._call("GET", "files"))

    def release(self, resource_id: str | None = None) -> None:
        """Let held work begin, and return at once.

        :param resource_id: id of the resource whose work, with what follows from it, may begin; by default all that
            waits now.
        """
        self._call("POST", "release", {"id": resource_id} if resource_id else {})

    def settle(self, timeout: float = 30.0) -> None:
        """Wait until no work is left but what is held.

        :param timeout: seconds to wait at most, from 0 to 3600; by default 30.
        :raises ControlError: work was left at the end of that time, or it is no such time.
        """
        self._call("POST", "settle", {"timeout": timeout})

    def fault(self, **fault: Any) -> None:
        """Set a fault, which requests suffer from now on, beside those that are set.

        :param fault: its fields by name; see :class:`airflow_provider_ittybit.emulator.faults.Fault`.
        :raises ControlError: it cannot be; the text names the field and what that takes.
        """
        self._call("POST", "faults", fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return list(self._call("GET", "faults"))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "faults")

    def _call(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._base}/{name}"
        request = Request(url, data, method=method)  # noqa: S310 - the emulator's own loopback address
        try:
            with self._opener.open(request) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                message = error.read().decode("utf-8", "replace")
            raise ControlError(message) from error


class RunningEmulator:
    """A context manager that runs an emulator in a thread, on free ports unless told otherwise.

    :param state: the folder that keeps everything; default a temporary one, removed at the end.
    :param api_key: default a random one.
    :param ports: the ports of api, uploads and delivery; 0 is a free one.
    :param threads: how many workers; default 2.
    :param log_level: of the HTTP server; default ``warning``.
    :param settings: any field of :class:`airflow_provider_ittybit.emulator.settings.Settings`.
    :raises InvalidSettingError: for a setting that does not exist or cannot have this value.
    :raises OSError: when a port is taken.
    """

    def __init__(
        self,
        state: Path | str | None = None,
        *,
        api_key: str | None = None,
        ports: Sequence[int] = (0, 0, 0),
        threads: int = 2,
        log_level: str = "warning",
        **settings: Any,
    ) -> None:
        self.api_key = api_key or f"ittybit_{secrets.token_hex(16)}"
        self._settings = Settings().changed(settings)
        self._threads = threads
        self._log_level = log_level
        self._temporary = tempfile.TemporaryDirectory(prefix="ittybit-emulator-") if state is None else None
        self.state = Path(self._temporary.name if self._temporary else str(state))
        self._ports = ports
        self._sockets: Sockets | None = None
        self._service: Service | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._accepting = threading.Event()

    def start(self) -> Self:
        """Start it; return when all three ports accept."""
        self._accepting.clear()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._sockets = Sockets(self._ports)
        self._service = Service(
            self.state, self._sockets.addresses, self.api_key, self._settings, threads=self._threads
        )
        app = Emulator(self._service, self._sockets.roles)
        self._server = Server(app, self._accepting.set, self._log_level)
        self._service.start()
        self._thread = threading.Thread(target=self._run, name="ittybit-emulator", daemon=True)
        self._thread.start()
        if not self._accepting.wait(START_TIMEOUT):
            message = f"The emulator did not start within {START_TIMEOUT:.0f} seconds."
            raise TimeoutError(message)

    def stop(self) -> None:
        """Stop it; what is unfinished is taken up when the same state is used again. A second call does nothing."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(STOP_TIMEOUT)
        if self._service is not None:
            self._service.stop()
        if self._sockets is not None:
            self._sockets.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        self._server = self._service = self._sockets = self._thread = None

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return self._running().addresses.api

    @property
    def uploads_url(self) -> str:
        """The address of the uploads host of the generation ``media``."""
        return self._running().addresses.uploads

    @property
    def delivery_url(self) -> str:
        """The address of the project's own domain."""
        return self._running().addresses.delivery

    @property
    def control(self) -> Control:
        """A client for the control endpoint."""
        return Control(self.api_url)

    def airflow_connection(self, api_version: str | None = None, **extra: Any) -> str:
        """Return an Airflow connection to it as JSON, ready for ``AIRFLOW_CONN_ITTYBIT_DEFAULT``.

        :param api_version: goes into the extra; default the setting ``default_version``.
        :param extra: further fields of the connection's extra.
        """
        version = api_version or self._running().settings.default_version
        fields = {"api_version": version, "uploads_url": self.uploads_url, **extra}
        connection = {"conn_type": "ittybit", "password": self.api_key, "host": self.api_url, "extra": fields}
        return json.dumps(connection)

    def _run(self) -> None:
        if self._server is not None and self._sockets is not None:
            self._server.run(self._sockets.all)

    def _running(self) -> Service:
        if self._service is None:
            message = "The emulator is not running."
            raise RuntimeError(message)
        return self._service
