"""From an Airflow connection to checked settings, in a worker and in the triggerer."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_ittybit.api.settings import ALLOWED_EXTRAS, Settings, read_settings
from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError
from airflow_provider_ittybit.hooks.stopping import Pause, hurried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ittybit.transport.blocking import BlockingTransport


class ConnectedHook(BaseHook):
    """Reads the connection when it is first needed, never while a DAG is parsed.

    :param ittybit_conn_id: id of the Airflow connection.
    :param overrides: values that win over the connection's extra, under the same names.
    :raises IttybitInputError: an override that is no extra of the connection.
    """

    conn_name_attr = "ittybit_conn_id"
    default_conn_name = "ittybit_default"
    conn_type = "ittybit"
    hook_name = "ittybit"

    def __init__(self, ittybit_conn_id: str = default_conn_name, **overrides: Any) -> None:
        super().__init__()
        unknown = sorted(set(overrides) - set(ALLOWED_EXTRAS))
        if unknown:
            message = f"IttybitHook has no setting {', '.join(unknown)}; it has {', '.join(ALLOWED_EXTRAS)}."
            raise IttybitInputError(message)
        self.ittybit_conn_id = ittybit_conn_id
        self.overrides = overrides
        self.pause = Pause()
        self._in_line = True
        self._settings: Settings | None = None
        self._transport: BlockingTransport | None = None

    @property
    def settings(self) -> Settings:
        """The checked connection.

        :raises IttybitConfigurationError: it does not exist, or holds something that cannot be used.
        """
        if self._settings is None:
            try:
                read = self._read(self.get_connection(self.ittybit_conn_id))
            except AirflowNotFoundException as error:
                raise self._missing() from error
            self._settings = _usable(read)
        return self._settings

    async def aget_settings(self) -> Settings:
        """Return what ``settings`` does, without blocking the triggerer's event loop.

        :return: the checked connection.
        :raises IttybitConfigurationError: it does not exist, or holds something that cannot be used.
        """
        if self._settings is None:
            from airflow.providers.common.compat.connection import get_async_connection

            try:
                read = self._read(await get_async_connection(self.ittybit_conn_id))
            except AirflowNotFoundException as error:
                raise self._missing() from error
            self._settings = _usable(read)
        return self._settings

    def get_conn(self) -> BlockingTransport:
        """Return the transport that carries this hook's calls; it is made once and kept.

        :return: the transport; ``close`` of the hook, or leaving its ``with`` block, closes it.
        :raises IttybitConfigurationError: the connection is missing or cannot be used.
        """
        if self._transport is None:
            from airflow_provider_ittybit.transport.blocking import BlockingTransport

            self._transport = BlockingTransport(self.settings, sleep=self.pause, in_line=self._in_line)
        self.pause.interrupt = self._transport.interrupt
        return self._transport

    def hurried(self, seconds: float, *, repetitions: int = 0) -> Self:
        """Copy this hook for one who has no time, as while a task is being killed. Airflow is not asked again.

        It does not wait for a turn where others share the rate limit.

        :param seconds: for a connection, and again for an answer, at most.
        :param repetitions: how often a request is sent again, at most.
        :return: a hook with connections of its own; close it as any other.
        """
        settings = hurried(self.settings, seconds=seconds, repetitions=repetitions)
        quick = copy.copy(self)
        vars(quick).update(_settings=settings, _in_line=False)
        return quick

    def close(self) -> None:
        """Close the hook's network connections; a later call opens new ones."""
        if self._transport is not None:
            self._transport.close()
        self.pause.interrupt = None  # a sensor keeps its pause, and may be copied or pickled afterwards

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[Callable[[], None]]:
        """Give what soon ends all that is under way, for when something interrupts the thread that waits for it.

        Unlike a kill it does not end the hook: after the ``with`` block that works on, with new connections.
        """
        interrupted: list[Pause] = []

        def stop() -> None:
            if not self.pause.is_stopped:
                interrupted.append(self.pause)
            self.pause.stop()

        try:
            yield stop
        finally:
            if interrupted:
                self.close()
                self.pause, self._transport = Pause(), None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle without settings and transport: neither the key nor a socket goes along."""
        return {**self.__dict__, "pause": Pause(), "_settings": None, "_transport": None}

    def _read(self, connection: Any) -> Settings | IttybitConfigurationError:
        """Check a connection. What is wrong is returned: the frames that an error passes through here hold the key."""
        try:
            extra = _extra_of(connection, self.ittybit_conn_id)
            return read_settings(
                self.ittybit_conn_id,
                host=_host_of(connection),
                password=connection.password,
                extra={**extra, **{key: value for key, value in self.overrides.items() if value is not None}},
            )
        except IttybitConfigurationError as error:
            return error.with_traceback(None)

    def _missing(self) -> IttybitConfigurationError:
        message = (
            f"There is no Airflow connection {self.ittybit_conn_id!r}: create one of type ittybit with the API key as "
            f"password, or set AIRFLOW_CONN_{self.ittybit_conn_id.upper()}."
        )
        return IttybitConfigurationError(message)


def _usable(read: Settings | IttybitConfigurationError) -> Settings:
    if isinstance(read, IttybitConfigurationError):
        raise read
    return read


def _host_of(connection: Any) -> str | None:
    """Join what the connection form and the URI form of a connection keep apart."""
    host = (connection.host or "").strip()
    if not host:
        return None
    if "://" not in host:
        scheme = connection.schema if connection.schema in ("http", "https") else "https"
        host = f"{scheme}://{host}"
    return f"{host.rstrip('/')}:{connection.port}" if connection.port else host


def _extra_of(connection: Any, name: str) -> dict[str, Any]:
    import json

    text = connection.extra or "{}"
    try:
        extra = json.loads(text)
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        message = f"The Airflow connection {name!r} has an extra that is no JSON object: write one, or leave it empty."
        raise IttybitConfigurationError(message)
    return extra
