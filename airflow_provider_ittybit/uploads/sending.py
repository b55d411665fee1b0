"""Carries out the plan of an upload, and notes down how far it is."""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api import creations, delivery
from airflow_provider_ittybit.api.calls import get_resource, update_resource
from airflow_provider_ittybit.api.forms import new_boundary
from airflow_provider_ittybit.api.generations import Upload
from airflow_provider_ittybit.api.identifiers import is_id
from airflow_provider_ittybit.api.retrying import Outcome
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitNotFoundError,
    IttybitServerError,
    IttybitTransportError,
    IttybitUnreadableAnswerError,
    IttybitUnsupportedError,
    surely_not_done,
)
from airflow_provider_ittybit.transport.policy import pause_before
from airflow_provider_ittybit.uploads.arrivals import beginning, find_arrived, lists_files
from airflow_provider_ittybit.uploads.chunked import send_chunks
from airflow_provider_ittybit.uploads.chunks import Chunk, Chunking, cut
from airflow_provider_ittybit.uploads.ingesting import Ingestion
from airflow_provider_ittybit.uploads.journal import OTHER_BYTES, Journal, NoJournal, Noted
from airflow_provider_ittybit.uploads.progress import Progress
from airflow_provider_ittybit.uploads.sources import FileSource
from airflow_provider_ittybit.uploads.streaming import FileBody, FormBody
from airflow_provider_ittybit.uploads.targets import Target, target_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ittybit.api.messages import Call, Request
    from airflow_provider_ittybit.transport.blocking import BlockingTransport
    from airflow_provider_ittybit.uploads.plans import Plan
    from airflow_provider_ittybit.uploads.progress import OnProgress
    from airflow_provider_ittybit.uploads.sources import UploadSource, UrlSource

log = logging.getLogger(__name__)

LAST_ATTEMPTS = 3


@dataclass(slots=True)
class Sending:
    """One upload under way.

    :param transport: carries it.
    :param source: what is uploaded.
    :param plan: how.
    :param chunking: settings of chunked uploads.
    :param journal: where it is noted down for the next try.
    :param on_progress: called with bytes sent and bytes in all.
    :param stop: ends soon what other threads send of it, when the thread that waits for them is interrupted.
    """

    transport: BlockingTransport
    source: UploadSource
    plan: Plan
    chunking: Chunking = field(default_factory=Chunking)
    journal: Journal = field(default_factory=NoJournal)
    on_progress: OnProgress | None = None
    stop: Callable[[], None] = lambda: None
    _noted: Noted = field(default_factory=Noted, init=False)
    _again: str = field(default="", init=False)

    def run(self, fingerprint: str = "") -> dict[str, Any]:
        """Upload what is missing.

        :param fingerprint: tells this upload from any other, for the journal.
        :return: the resource that ittybit answered: a media, file, run or job.
        :raises IttybitError: ittybit or the network said no. If the bytes had arrived by then, ``resource_id`` and
            the message say under which id.
        """
        self._noted = self.journal.read(fingerprint)
        resource = self._known()
        if resource is None:
            resource = self._send()
            if not is_id(resource.get("id")):
                del resource  # a signed URL may be in it, which no traceback should hold
                message = (
                    f"ittybit took the upload of {self.source}, but its answer names no usable id. Look for "
                    f"{self.source.name!r} in the ittybit app before uploading it again."
                )
                raise IttybitUnreadableAnswerError(message)
            labelled = not (self.plan.file_changes or self.plan.media_changes)
            self._note(resource_id=resource["id"], accepted=time.time(), labelled=labelled)
        if not self._noted.labelled:
            resource = self._label(resource)
            self._note(labelled=True)
        return resource

    def _note(self, **changes: Any) -> None:
        self._noted = replace(self._noted, **changes)
        self.journal.write(self._noted)

    @contextlib.contextmanager
    def _unless_refused(self) -> Iterator[None]:
        """Take back the note that something was begun, if it is sure that ittybit did not act on it."""
        before = self._noted.since
        try:
            yield
        except IttybitError as error:
            if surely_not_done(error) and self._noted.layout is None and self._noted.since != before:
                self._note(since=before)
            raise

    def _begin(self, since: float | None, layout: tuple[int, int] | None = None) -> None:
        """Note that something is about to go; what an earlier try sent may still appear, so its time is kept."""
        earlier = self._noted.since
        size = self.source.size if isinstance(self.source, FileSource) else None
        self._note(since=earlier if earlier is not None else since, layout=layout, arrived=frozenset(), size=size)

    def _known(self) -> dict[str, Any] | None:
        """Return what an earlier try uploaded, if it is still there."""
        resource_id = self._noted.resource_id
        if resource_id is None:
            return None
        try:
            found = self.transport.send(get_resource(self.transport.settings.generation, resource_id))
        except IttybitNotFoundError:
            log.warning("An earlier try uploaded %s, which is gone at ittybit: uploading again", resource_id)
            self._noted = Noted(litter=self._noted.litter, astray=self._noted.astray)
            self._again = f"-{uuid.uuid4().hex}"  # by the old name, ittybit would answer as it did then
            return None
        except IttybitUnsupportedError:  # a generation that takes bytes at the delivery domain, but reads no file
            found = {"id": resource_id}
        log.info("An earlier try uploaded %s: going on from there, nothing is sent again", resource_id)
        return found

    def _send(self) -> dict[str, Any]:
        generation = self.transport.settings.generation
        if not isinstance(self.source, FileSource):
            return self._ingest(self.source)
        source = self.source
        earlier = self._arrived(source)
        if earlier is not None:
            return earlier
        progress = Progress(str(source), source.size, self.on_progress)
        with self._unless_refused():
            if self.plan.protocol is Upload.MULTIPART:
                if self.journal.lasting:
                    self._begin(beginning(self.transport.send(delivery.ask_time(generation))))
                body = FormBody(source, new_boundary(), progress)
                resource = self.transport.send(creations.send_form(body, source.name))
            else:
                resource = self._put(source, progress)
        progress.done()
        return resource

    def _ingest(self, source: UrlSource) -> dict[str, Any]:
        name = f"{self.journal.name()}{self._again}"
        ingestion = Ingestion(self.transport, source, self.plan.along, name, self.journal.lasting)
        if self._noted.since is not None and (earlier := ingestion.find(self._noted.since)) is not None:
            return earlier
        with self._unless_refused():
            self._begin(ingestion.begin())
            return ingestion.send()

    def _arrived(self, source: FileSource) -> dict[str, Any] | None:
        since = self._noted.since
        if since is None or not self.journal.is_alone(source.size):
            return None
        return find_arrived(self.transport, source, self.plan.along.get("folder"), since, self.journal.taken())

    def _put(self, source: FileSource, progress: Progress) -> dict[str, Any]:
        chunks = self._cut(source)
        folder, signing = self.plan.along.get("folder"), self.chunking.signature if len(chunks) > 1 else None
        target = target_for(self.transport, source.name, folder, self.plan.protocol, signing)
        if len(chunks) < 2:
            if self.journal.lasting:
                self._begin(beginning(target.server_time))
            return target.send(delivery.put, FileBody(source, progress=progress))
        layout = _layout(chunks)
        if self._noted.layout != layout:
            self._begin(beginning(target.server_time), layout)
        if not self.chunking.resume:
            self._note(arrived=frozenset())
        resumed = bool(self._noted.arrived)
        finished = self._put_chunks(source, target, progress, chunks)
        if finished is None and resumed:
            log.warning("ittybit does not have the chunks of %s any more that an earlier try sent: sending all", source)
            self._note(arrived=frozenset())
            finished = self._put_chunks(source, target, progress, chunks)
        if finished is None:
            message = (
                f"ittybit acknowledged all {len(chunks)} chunks of {source}, but named no file. Look for "
                f"{source.name!r} in the ittybit app before uploading it again."
            )
            raise IttybitUnreadableAnswerError(message)
        return finished

    def _cut(self, source: FileSource) -> list[Chunk]:
        """Cut the file, unless it goes whole.

        Whether ittybit would join chunks of two uploads to one place is unknown, so over the remains of another one
        the file goes whole.
        """
        if source.size < self.chunking.threshold or not source.seekable:
            return []
        chunks = cut(source.size, self.chunking)
        if {self._noted.litter, self._noted.layout} <= {None, _layout(chunks)}:
            return chunks
        log.warning("Chunks of another upload may still lie where %s goes, so it is sent whole", source)
        self._noted = replace(self._noted, litter=OTHER_BYTES)
        return []

    def _put_chunks(
        self, source: FileSource, target: Target, progress: Progress, chunks: list[Chunk]
    ) -> dict[str, Any] | None:
        last = chunks[-1]
        missing = [chunk for chunk in chunks if chunk.index not in self._noted.arrived or chunk is last]
        progress.resume(source.size - sum(chunk.length for chunk in missing))

        def send(body: FileBody, content_range: str) -> dict[str, Any] | None:
            if body.start == last.start:
                return self._send_last(source, target, body, content_range)
            return target.send(self._put_chunk(content_range, repeatable=self.chunking.resend), body)

        def acknowledged(chunk: Chunk) -> None:
            self._note(arrived=self._noted.arrived | {chunk.index})

        return send_chunks(
            source,
            missing,
            chunking=self.chunking,
            send=send,
            progress=progress,
            acknowledged=acknowledged,
            stop=self.stop,
        )

    def _put_chunk(self, content_range: str, *, repeatable: bool) -> Callable[[Request], Call[dict[str, Any] | None]]:
        accepted = self.chunking.accepted
        return lambda request: delivery.put_chunk(request, content_range, repeatable=repeatable, accepted=accepted)

    def _send_last(
        self, source: FileSource, target: Target, body: FileBody, content_range: str
    ) -> dict[str, Any] | None:
        """Send the chunk that completes the file; after a lost answer look whether it did, before sending again.

        Where nobody can look, it goes once.
        """
        can_look = lists_files(self.transport.settings.generation) and self.journal.is_alone(source.size)
        attempts = LAST_ATTEMPTS if self.chunking.resend and can_look else 1
        for attempt in range(1, attempts + 1):
            try:
                found = target.send(self._put_chunk(content_range, repeatable=False), body)
            except (IttybitTransportError, IttybitServerError) as error:
                if surely_not_done(error):  # it was sent again as often as it may be
                    raise
                found = self._arrived(source) if can_look else None
                if found is None and attempt == attempts:
                    raise
            else:
                return found or (self._arrived(source) if can_look else None)
            if found is not None:
                return found
            self.transport.pause(pause_before(attempt, Outcome()))
        return None

    def _label(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Set what the upload itself could not carry."""
        generation, plan = self.transport.settings.generation, self.plan
        try:
            if plan.file_changes:
                resource = self.transport.send(update_resource(generation, resource["id"], plan.file_changes))
            if plan.media_changes:
                self.transport.send(update_resource(generation, _media_id(resource), plan.media_changes))
        except IttybitError as error:
            error.resource_id = resource["id"]
            error.message = (
                f"{resource['id']} is uploaded, but {', '.join([*plan.file_changes, *plan.media_changes])} could not "
                f"be set on it: {error.message} Do that with UpdateMediaOperator instead of uploading again."
            )
            raise
        return resource


def _media_id(resource: dict[str, Any]) -> str:
    media_id = resource.get("media_id")
    if not isinstance(media_id, str):
        message = "ittybit's answer names no media for the file, and the title belongs to the media."
        raise IttybitUnreadableAnswerError(message)
    return media_id


def _layout(chunks: list[Chunk]) -> tuple[int, int]:
    return len(chunks), chunks[0].length
