"""Turns media that appear at ittybit into asset events, for the ``AssetWatcher`` of Airflow 3."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import TriggerEvent

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError
from airflow_provider_ittybit.triggers._compat import (
    HAS_ASSET_WATCHERS,
    TELLS_WHAT_IS_STORED,
    BaseEventTrigger,
    SharedStreamProducer,
)
from airflow_provider_ittybit.triggers.loading import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Sequence

    from airflow_provider_ittybit.triggers.lookout import Lookout
    from airflow_provider_ittybit.triggers.newcomers import Newcomers, Tick

MODULES = ("airflow_provider_ittybit.triggers.newcomers", "airflow_provider_ittybit.triggers.lookout")
WHEN = ("ready", "created")


class MediaWatcherTrigger(BaseEventTrigger):
    """Tell of each media that appears at ittybit, once, by an event of the asset that watches with it.

    An asset gets such a trigger by a watcher::

        new_videos = Asset(
            "new_videos",
            watchers=[AssetWatcher(name="ittybit", trigger=MediaWatcherTrigger(kind="video", folder="inbox"))],
        )

        @dag(schedule=new_videos)
        def handle_new_videos(): ...

    The event's payload is small and holds no URL: ``id``, ``resource`` (the collection), ``created``,
    ``ittybit_conn_id``, and where ittybit gives them ``kind``, ``folder`` and ``filename``. A task reads it as
    ``triggering_asset_events[new_videos][0].extra["payload"]``. One run may be for several events.

    At its very first start it looks what is there, and tells only of what comes later (see ``created_after``). From
    then on it looks at the newest media first and stops at what it knows. What is not ready yet it waits for like all
    tasks that wait over the connection, with the same requests; in the ``tasks`` generation by the feed of events too.
    What fails at ittybit, or is deleted before it is ready, is not told of; the triggerer's log says so. A look that
    fails is repeated without end.

    **What "once" means.** The position is kept by Airflow, and is moved on after the events:

    - Airflow 3.3 and later: in the state store of the asset, as soon as Airflow says that the event is stored. A
      triggerer that is killed in the second or two between the two tells of the same id again when it is back. Nothing
      is left out but what is named below, however long it was away.
    - Where several assets share one watcher with the same arguments: in a variable ``ittybit_watcher_…``, at the same
      time. If another asset joins, or only one is left, the position has another place from the next start on.
    - Where Airflow has no such store for a trigger (3.0 to 3.2): in that variable, five seconds after the event. A
      triggerer that is killed in between tells again. If storing an event takes longer and the triggerer is killed
      before it ends, the event is left out.
    - Where a trigger may not write variables either: not at all, which the log says at the start. After a restart it
      begins anew: nothing is told twice, but what came while no triggerer ran is left out.

    In all versions, two triggerers run the same watcher for a while if Airflow takes one of them for dead that is not;
    then both may tell. So use the ``id`` as the key of what must not be done twice. The position belongs to connection,
    ``resource``, ``kind``, ``folder`` and ``when``: with other values the watcher begins anew, and so it does when
    Airflow removes the asset because no DAG uses it any more. Two watchers that differ in ``created_after`` or
    ``poll_interval`` only share it, if it is in a variable or they belong to the same asset: each writes over the
    other's.

    What appears in ittybit's list more than ten minutes later than media created after it, or below 25 known ones, may
    be missed. What stands behind a deleted medium moves up by one place, maybe onto a page that was read already: so
    several pages with numbers are read again, until nothing older turns up, five times at most. What escapes each
    reading in this way is missed.

    :param ittybit_conn_id: id of the Airflow connection.
    :param kind: only this kind, such as ``video``, ``image`` or ``audio``. What has no kind yet is told of when it is
        ready, if it is of this kind by then.
    :param folder: only this folder and those in it, when it is first seen (generations whose resources have a folder).
    :param resource: name of the collection: ``media``, ``files``, ``tasks``, ``runs`` or ``jobs``; by default what an
        upload adds to.
    :param when: ``ready``, the default, to tell when the processing ended well, ``created`` to tell at once.
    :param created_after: at the very first start, tell also of what was created at this time or later: a ``datetime``,
        an ISO 8601 string or Unix seconds. By default only of what comes after the start: what is still processing
        then is not told of.
    :param poll_interval: seconds between two looks, by default 30. Watchers with the same connection, ``resource`` and
        ``poll_interval`` share them (Airflow 3.3 and later).
    :param unknown: arguments of a later version of this class; the log names them, and it goes without.
    :raises IttybitConfigurationError: this Airflow has no asset watchers: they came with 3.0.
    :raises IttybitInputError: a value that cannot be used.
    """

    def __init__(
        self,
        ittybit_conn_id: str = "ittybit_default",
        *,
        kind: str | None = None,
        folder: str | None = None,
        resource: str | None = None,
        when: str = "ready",
        created_after: datetime | str | float | None = None,
        poll_interval: float = 30.0,
        **unknown: Any,
    ) -> None:
        if not HAS_ASSET_WATCHERS:
            message = "MediaWatcherTrigger is for an AssetWatcher, which Airflow has from 3.0 on: use a sensor."
            raise IttybitConfigurationError(message)
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it without annotations
        if when not in WHEN:
            message = f"when={when!r} is neither 'ready' nor 'created'."
            raise IttybitInputError(message)
        if not float(poll_interval) > 0:
            message = f"poll_interval={poll_interval!r} is no time: give seconds, such as 30."
            raise IttybitInputError(message)
        if unknown:
            self.log.warning("MediaWatcherTrigger does not know %s, and goes without", ", ".join(sorted(unknown)))
        self.ittybit_conn_id = ittybit_conn_id
        self.kind = kind
        self.folder = folder
        self.resource = resource
        self.when = when
        self.created_after = created_after.isoformat() if isinstance(created_after, datetime) else created_after
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the import path and the arguments that make this trigger again: plain JSON."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "ittybit_conn_id": self.ittybit_conn_id,
                "kind": self.kind,
                "folder": self.folder,
                "resource": self.resource,
                "when": self.when,
                "created_after": self.created_after,
                "poll_interval": self.poll_interval,
            },
        )

    def shared_stream_key(self) -> Hashable | None:
        """Name the looks that this trigger shares; ``None`` where Airflow does not say when events are stored."""
        if not TELLS_WHAT_IS_STORED:
            return None
        path, arguments = self.serialize()
        alone = json.dumps(arguments) if not _is_shared() else None
        return (path, self.ittybit_conn_id, self.resource, self.poll_interval, alone)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> _SharedLooks:
        """Make what looks for all triggers that have the same key.

        :param kwargs: the arguments of one of them.
        """
        return _SharedLooks(kwargs)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Tick]) -> AsyncIterator[TriggerEvent]:
        """Make of the shared looks what this trigger tells.

        :param shared_stream: the looks, as they come.
        :return: an event for each resource, the oldest of a look first; its payload is that of the class. It ends
            with the looks.
        :raises IttybitInputError: ``created_after`` is no time.
        """
        await load(*MODULES)
        lookout = self._lookout()
        try:
            async for tick in shared_stream:
                async for facts in lookout.take(tick):
                    yield TriggerEvent({**facts, "ittybit_conn_id": self.ittybit_conn_id})
        finally:
            await lookout.leave()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look and tell without end, where Airflow has no shared streams that say when events are stored."""
        await load(*MODULES)
        newcomers = _newcomers(self.serialize()[1])
        try:
            async for event in self.filter_shared_stream(newcomers.settled()):
                yield event
        finally:
            await newcomers.aclose()

    def _lookout(self) -> Lookout:
        from airflow_provider_ittybit.api.timestamps import as_time
        from airflow_provider_ittybit.api.watching import Sieve
        from airflow_provider_ittybit.triggers.lookout import Lookout
        from airflow_provider_ittybit.triggers.remembering import memory_for

        after = as_time(self.created_after, "created_after")
        return Lookout(
            Sieve(self.kind, self.folder),
            memory_for(getattr(self, "asset_state_store", None), self._name()),
            when=self.when,
            created_after=after.timestamp() if after is not None else None,
        )

    def _name(self) -> str:
        """Name the position: the same after a restart, another one for another question."""
        question = [self.ittybit_conn_id, self.resource, self.kind, self.folder, self.when]
        return f"ittybit_watcher_{hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]}"


class _SharedLooks(SharedStreamProducer):
    """What Airflow 3.3 drives for all watchers of one key. It imports what is heavy beside the event loop.

    :param arguments: of one of the triggers.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._newcomers: Newcomers | None = None

    async def open_stream(self) -> AsyncIterator[tuple[Tick, Tick]]:
        """Give a look after the other, each twice: for the watchers, and to be given back to ``advance``."""
        await load(*MODULES)
        self._newcomers = _newcomers(self._arguments)
        async for pair in self._newcomers.open_stream():
            yield pair

    async def advance(self, batch: Sequence[Any]) -> None:
        """Have the positions kept whose events are stored."""
        if self._newcomers is not None:
            await self._newcomers.advance(batch)

    async def aclose(self) -> None:
        """Close what is open."""
        if self._newcomers is not None:
            await self._newcomers.aclose()


def _newcomers(arguments: dict[str, Any]) -> Newcomers:
    from airflow_provider_ittybit.triggers.newcomers import Newcomers
    from airflow_provider_ittybit.triggers.registry import POLLERS, Pollers

    return Newcomers(
        arguments["ittybit_conn_id"],
        POLLERS if _is_shared() else Pollers(),
        resource=arguments["resource"],
        poll_interval=float(arguments["poll_interval"]),
        concurrency=conf.getint("ittybit", "poller_concurrency", fallback=16),
    )


def _is_shared() -> bool:
    return bool(conf.getboolean("ittybit", "shared_poller", fallback=True))
