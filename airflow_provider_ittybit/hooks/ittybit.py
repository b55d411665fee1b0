"""The hook: an Airflow connection and the verbs of ittybit, in every API generation."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_provider_ittybit.api import calls, creations, delivery
from airflow_provider_ittybit.api.decoding import read_anything
from airflow_provider_ittybit.api.kinds import doubt_about
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.messages import Call
from airflow_provider_ittybit.api.processing import read_processing
from airflow_provider_ittybit.api.products import input_of
from airflow_provider_ittybit.api.waiting import DEFAULT_POLL_INTERVAL, Patience, as_seconds, succeeded, timed_out
from airflow_provider_ittybit.exceptions import IttybitError, IttybitNotFoundError, IttybitStoppedError
from airflow_provider_ittybit.hooks.form import field_behaviour, form_widgets
from airflow_provider_ittybit.hooks.lineage import tell_lineage, uri_of
from airflow_provider_ittybit.hooks.reading import TriggererReads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from airflow_provider_ittybit.api.messages import Request
    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.uploads.chunks import Chunking
    from airflow_provider_ittybit.uploads.journal import Journal
    from airflow_provider_ittybit.uploads.progress import OnProgress

T = TypeVar("T")

BUTTON_TIMEOUT = 10.0
"""Seconds that the connection test waits at most."""


class IttybitHook(TriggererReads):
    """Talks to ittybit with the key and the pinned API version of an Airflow connection.

    It works alone as well, for instance in a ``@task`` function::

        with IttybitHook() as hook:
            file = hook.upload_media("/data/talk.mp4", folder="talks")

    Every verb raises :class:`~airflow_provider_ittybit.exceptions.IttybitError` or one of its kinds, with
    ittybit's own words, and ``IttybitUnsupportedError`` before any request for what the pinned API generation
    cannot do.

    :param ittybit_conn_id: id of the Airflow connection.
    :param overrides: settings that win over the connection's extra: ``api_version``, ``version_header``,
        ``uploads_url``, ``delivery_domain``, ``timeout`` (seconds), ``max_retries``, ``verify``, ``ca_bundle``,
        ``proxies``.
    """

    # Airflow 2.11 to 3.1 look for these in the hook's own class
    get_connection_form_widgets: ClassVar[Any] = classmethod(form_widgets)
    get_ui_field_behaviour: ClassVar[Any] = classmethod(field_behaviour)

    def upload_media(
        self,
        source: object,
        *,
        filename: str | None = None,
        folder: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ref: str | None = None,
        media_id: str | None = None,
        kind: str | None = None,
        options: Mapping[str, Any] | None = None,
        output: str | None = None,
        fetch: bool = False,
        chunking: Chunking | Mapping[str, Any] | None = None,
        on_progress: OnProgress | None = None,
        journal: Journal | None = None,
    ) -> dict[str, Any]:
        """Upload one file, or have ittybit fetch one from a URL.

        Memory stays flat, whatever the size. The log tells the start, every 10 % or 30 s, and the end. What interrupts
        it, such as ``execution_timeout`` or Ctrl-C, ends it within about 2.5 s.

        :param source: a path of this worker, an ``ObjectStoragePath`` or a URL of its schemes, whose bytes are
            streamed; or an ``http(s)`` URL, which ittybit fetches.
        :param filename: name to give it; by default its own.
        :param folder: folder to put it in (files generations).
        :param title: title of the media (files generations).
        :param metadata: JSON to keep with it (files and jobs generations).
        :param ref: the reference of the file within its media (files generations).
        :param media_id: add the file to this media (files generations, URLs only).
        :param kind: what to make of it (jobs generation); by default found by the name.
        :param options: options of the kind (jobs generation).
        :param output: where the result goes, such as ``s3://bucket/key`` (jobs generation).
        :param fetch: have this worker stream an ``http(s)`` URL through, because ittybit cannot reach it.
        :param chunking: ``threshold`` (bytes, 100 MiB), ``size`` (bytes, 16 MiB), ``parallel`` (4) and
            ``content_range`` (form of that header) of uploads in chunks (files generations), and the other settings
            of :class:`~airflow_provider_ittybit.uploads.chunks.Chunking`.
        :param on_progress: called with the bytes sent and the bytes in all, at most five times a second.
        :param journal: where the upload notes how far it is; the operator's keeps it for a retry.
        :return: the resource as ittybit answered it: a media (media generation), a file, a run (tasks generation) or
            a job. Its processing may still go on: see ``wait_for_processing``.
        :raises IttybitSourceError: the source is a directory, empty or unreadable.
        :raises IttybitUnsupportedError: the pinned generation cannot take this source or one of the fields.
        :raises IttybitError: ittybit refused it, or did not answer.
        """
        from airflow_provider_ittybit.uploads.chunks import as_chunking
        from airflow_provider_ittybit.uploads.formats import doubt_about
        from airflow_provider_ittybit.uploads.journal import NoJournal
        from airflow_provider_ittybit.uploads.places import place_of
        from airflow_provider_ittybit.uploads.plans import fingerprint_of, plan_upload
        from airflow_provider_ittybit.uploads.sending import Sending
        from airflow_provider_ittybit.uploads.signatures import veiled
        from airflow_provider_ittybit.uploads.sources import as_source

        self.pause.check()
        source = veiled(source)
        found = as_source(source, filename=filename, fetch=fetch, is_stopped=lambda: self.pause.is_stopped)
        fields = {"filename": filename, "folder": folder, "title": title, "metadata": metadata, "ref": ref}
        fields |= {"media_id": media_id, "kind": kind, "options": options, "output": output}
        plan = plan_upload(self.settings, found, fields)
        doubt = doubt_about(found.mime_type)
        if doubt:
            self.log.warning("%s: %s", found, doubt)
        cuts = as_chunking(chunking)
        with self._interruptible() as stop:
            sending = Sending(self.get_conn(), found, plan, cuts, journal or NoJournal(), on_progress, stop)
            uploaded = sending.run(fingerprint_of(self.settings, found, fields))
        tell_lineage(self, lambda: ([place_of(str(found))], [uri_of(self, uploaded["id"])]))
        return uploaded

    def list_media(
        self,
        *,
        resource: str | None = None,
        kind: str | None = None,
        limit: int | str | None = None,
        order_by: str | None = None,
        order: str | None = None,
        created_after: object = None,
        created_before: object = None,
        max_items: int | str | None = None,
        **filters: str | None,
    ) -> Iterator[dict[str, Any]]:
        """Go through what the project holds, page by page, in flat memory.

        :param resource: ``media``, ``files``, ``tasks``, ``runs`` or ``jobs``; by default what an upload adds to.
        :param kind: only this kind, such as ``video``.
        :param limit: page size (1 to 250 in the media generation, 1 to 100 elsewhere); by default the largest, or
            ``max_items`` if that is smaller and the server sifts.
        :param order_by: ``created``, ``updated`` or ``filesize`` (media generation only).
        :param order: ``asc`` or ``desc``, where the generation documents it.
        :param created_after: only what was created at this time or later: a ``datetime``, an ISO 8601 string or Unix
            seconds. Paging stops as soon as the list is past it.
        :param created_before: only what was created before this time.
        :param max_items: at most so many items.
        :param filters: other filters of the collection, such as ``status``, where the generation documents them.
        :return: an iterator over the resources as ittybit sent them.
        :raises IttybitInputError: a value that cannot be used; an empty string is refused where it would mean "all".
        :raises IttybitUnsupportedError: the pinned generation has no such collection, order or filter.
        :raises IttybitError: ittybit refused a page or did not answer.
        """
        listing = Listing(
            self.settings.generation,
            resource=resource,
            kind=kind,
            limit=limit,
            order_by=order_by,
            order=order,
            created_after=created_after,
            created_before=created_before,
            max_items=max_items,
            **filters,
        )
        return self._walk(listing)

    def list_tasks(self, *, resource: str | None = None, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Go through processing tasks, with the parameters of ``list_media``.

        :param resource: ``tasks``, ``runs`` or ``jobs``; by default ``jobs`` in the jobs generation, whose single
            tasks have no list, and ``tasks`` elsewhere.
        :param parameters: see ``list_media``.
        :return: an iterator over tasks, runs or jobs as ittybit sent them.
        :raises IttybitUnsupportedError: the media generation has none.
        """
        return self.list_media(resource=resource or calls.task_list(self.settings.generation), **parameters)

    def get_media(self, media_id: str, *, resource: str | None = None) -> dict[str, Any]:
        """Read one resource: a media, file, task, run or job, as the prefix of its id says.

        :param media_id: its id.
        :param resource: name of the collection, for an id without a known prefix.
        :return: the resource as ittybit sent it, without envelope.
        :raises IttybitInputError: no id, or a malformed one; nothing was sent.
        :raises IttybitNotFoundError: there is none with this id. A deleted media of the media generation can
            still be read.
        """
        return self._send(calls.get_resource(self.settings.generation, media_id, resource))

    def get_task(self, task_id: str, *, resource: str | None = None) -> dict[str, Any]:
        """Read one processing task, run or job.

        :param task_id: its id.
        :param resource: name of the collection, for an id without a known prefix.
        :return: the task, run or job as ittybit sent it, without envelope.
        :raises IttybitUnsupportedError: the media generation has none.
        :raises IttybitNotFoundError: there is none with this id.
        """
        return self._send(calls.get_task(self.settings.generation, task_id, resource))

    def update_media(self, media_id: str, *, resource: str | None = None, **fields: Any) -> dict[str, Any]:
        """Change fields of a file or media (files generations); what is not named stays.

        :param media_id: its id.
        :param resource: name of the collection, for an id without a known prefix.
        :param fields: for a file ``folder``, ``filename``, ``ref``, ``metadata``; for a media ``title``, ``alt``,
            ``metadata``. A metadata key set to ``None`` is removed.
        :return: the resource as it is now.
        :raises IttybitInputError: nothing to change, or a field that this resource does not have; nothing was sent.
        :raises IttybitUnsupportedError: the generation changes no resources of this kind.
        :raises IttybitNotFoundError: there is none with this id.
        """
        return self._send(calls.update_resource(self.settings.generation, media_id, fields, resource))

    def delete_media(self, media_id: str, *, resource: str | None = None) -> dict[str, Any]:
        """Delete one resource for good. A missing one counts as deleted.

        :param media_id: its id; an empty one is refused before any request.
        :param resource: name of the collection, for an id without a known prefix.
        :return: ``{"id", "deleted": True, "missing": whether it was gone before, "message": ittybit's words}``.
        :raises IttybitInputError: no id, or a malformed one; nothing was sent.
        :raises IttybitUnsupportedError: the generation deletes no resources of this kind.
        """
        call = calls.delete_resource(self.settings.generation, media_id, resource)
        try:
            words = self._send(call)
        except IttybitNotFoundError as error:
            return {"id": media_id, "deleted": True, "missing": True, "message": error.detail}
        tell_lineage(self, lambda: ([], [uri_of(self, media_id, resource)]))
        return {"id": media_id, "deleted": True, "missing": False, "message": words}

    def create_task(
        self,
        kind: str,
        input: str | Mapping[str, Any],  # noqa: A002 - ittybit's own word for it, fixed by the public names
        options: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Ask for processing: a transcode, thumbnail, subtitles, ….

        :param kind: what to make, such as ``video``, ``image``, ``audio``, ``thumbnails``, ``subtitles``.
        :param input: id of a file (files generations), a URL, the input object of a task of the jobs generation, or
            the resource that an earlier call returned: a file, a media of one source, or a task, run or job that made
            one file.
        :param options: options of the kind, such as ``{"width": 320, "format": "png"}``.
        :param idempotency_key: lets ittybit recognise a repetition within 24 h (jobs generation; not sent elsewhere).
        :param fields: other fields of the task, such as ``folder``, ``filename``, ``ref``.
        :return: the task, run or job as ittybit answered it; see ``wait_for_processing``.
        :raises IttybitUnsupportedError: the media generation has none.
        :raises IttybitInputError: an input or an option that cannot be sent.
        :raises IttybitInvalidRequestError: ittybit does not know the kind or one of its options. What its reference
            does not document is sent all the same, with a warning.
        """
        from airflow_provider_ittybit.uploads.signatures import veiled

        generation, input = self.settings.generation, veiled(input)  # noqa: A001 - as the parameter is called
        source = input_of(generation, input)
        call = creations.create_task(generation, kind, source, options, fields, idempotency_key=idempotency_key)
        doubt = doubt_about(generation, kind, options)
        if doubt:
            self.log.warning("%s", doubt)
        return self._send(call)

    def get_processing(self, media_id: str, *, resource: str | None = None) -> ProcessingStatus:
        """Read where the processing of a resource stands.

        :param media_id: id of a file, media, task, run or job.
        :param resource: name of the collection, for an id without a known prefix.
        :return: ``id``, ``state`` (what it means), ``status`` (ittybit's word), ``error`` (ittybit's text) and
            ``resource`` (as received). A status that no vocabulary has counts as still processing.
        :raises IttybitNotFoundError: there is none with this id.
        """
        return self._noticed(media_id, read_processing(self.get_media(media_id, resource=resource)))

    def wait_for_processing(
        self,
        media_id: str,
        *,
        resource: str | None = None,
        poll_interval: float | timedelta = DEFAULT_POLL_INTERVAL,
        timeout: float | timedelta | None = None,
        deadline: float | None = None,
    ) -> ProcessingStatus:
        """Wait, in this process, until processing ended well. A deferrable operator or sensor costs less.

        :param media_id: id of a file, media, task, run or job.
        :param resource: name of the collection, for an id without a known prefix.
        :param poll_interval: seconds between two looks, 10 by default.
        :param timeout: seconds to wait at most; by default without end.
        :param deadline: Unix seconds to wait until, which wins over ``timeout``.
        :return: the last status; its ``resource`` is the resource as received.
        :raises IttybitProcessingFailedError: it failed or was cancelled.
        :raises IttybitProcessingTimeoutError: time ran out. One last look is taken at the deadline.
        :raises IttybitStoppedError: ``pause.stop()`` of this hook was called, as when the task is killed; that ends
            the waiting within half a second, or when the request under way is answered.
        :raises IttybitError: five looks in a row failed, or one in a way that no repetition can heal.
        """
        pause = as_seconds(poll_interval, "poll_interval") or DEFAULT_POLL_INTERVAL
        allowed = as_seconds(timeout, "timeout")
        end = deadline if deadline is not None else (time.time() + allowed if allowed is not None else None)
        patience, last_status = Patience(), None
        while True:
            self.pause.check()
            last_look = end is not None and time.time() >= end
            try:
                status = self.get_processing(media_id, resource=resource)
                patience.look_worked()
            except IttybitStoppedError:
                raise
            except IttybitError as error:
                if not patience.forgives(error):
                    raise
                self.log.warning("Look %d at %s in a row failed: %s", patience.failed, media_id, error)
            else:
                last_status = status.status
                if succeeded(status):
                    return status
            if last_look:
                raise timed_out(media_id, last_status, allowed)
            self.pause(pause if end is None else max(0.0, min(pause, end - time.time())))

    def sign_url(
        self, filename: str, *, folder: str | None = None, method: str = "get", expiry: int | None = None
    ) -> str:
        """Get a URL by which anyone who has it can read or write one file (files generations). It is a secret.

        :param filename: the file's name.
        :param folder: the folder it is in.
        :param method: ``get`` or ``put``.
        :param expiry: Unix seconds until which it works; by default ittybit decides (an hour, in early 2025).
        :return: the URL.
        :raises IttybitUnsupportedError: the generation signs no URLs.
        :raises IttybitUnreadableAnswerError: ittybit answered without a usable URL.
        """
        call = delivery.sign(self.settings.generation, filename, folder=folder, method=method, expiry=expiry)
        return self._send(call).url

    def call(self, request: Request) -> Any:
        """Send any other request, with the connection's key, version header, timeouts and retries.

        :param request: for instance ``Request("POST", "/automations", json={…})`` of
            :mod:`airflow_provider_ittybit.api.messages`. All methods exist, ``PUT`` and ``PATCH`` among them.
        :return: the JSON of the answer, without envelope; ``None`` for an empty answer.
        :raises IttybitError: no answer, or one that means "no".
        """
        return self._send(Call(request, read_anything))

    def test_connection(self) -> tuple[bool, str]:
        """Check the connection with one cheap request, for the button in the Airflow UI.

        It is sent once and waits 10 s at most, since a person waits for the answer.

        :return: whether ittybit accepted the key, and what to tell; it never raises.
        """
        from airflow_provider_ittybit.transport.blocking import BlockingTransport

        try:
            settings = self.settings
            quick = replace(settings, max_retries=0, timeout=min(settings.timeout, BUTTON_TIMEOUT))
            with contextlib.closing(BlockingTransport(quick, in_line=False)) as transport:
                transport.send(calls.check_access(settings.generation))
        except IttybitError as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001 - the button shows any reason, and must not fail itself
            return False, f"{type(error).__name__}: the connection could not be used."
        version = settings.pin.version or "none, so ittybit's newest"
        return True, f"ittybit accepted the key (API generation {settings.generation.name}, version {version})."

    def _send(self, call: Call[T]) -> T:
        return self.get_conn().send(call)

    def _walk(self, listing: Listing) -> Iterator[dict[str, Any]]:
        while (call := listing.call) is not None:
            yield from listing.receive(self._send(call))
        if listing.remark:
            self.log.warning("%s", listing.remark)
