"""Upload, list, read, change and delete media."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.links.ittybit import IttybitMediaLink, IttybitPreviewLink
from airflow_provider_ittybit.operators.base import IttybitOperator, cut_short, first_of
from airflow_provider_ittybit.operators.waiting import WaitingOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHANGEABLE = ("title", "alt", "folder", "filename", "ref", "metadata")
MANY = 1000
"""Items in XCom from which a warning says that a file is the better place."""


class UploadMediaOperator(WaitingOperator):
    """Upload one file or several to ittybit, or have ittybit fetch them from URLs.

    :param source: a path of the worker, an ``ObjectStoragePath`` or a URL of its schemes (``s3://``, ``gs://``,
        ``file://``, …), whose bytes are streamed; or an ``http(s)`` URL, which ittybit fetches itself. A list of
        these, or a pattern such as ``/data/in/*.mp4`` or ``s3://bucket/in/*.mp4``, uploads them all in this task;
        the result is then a list. (templated)
    :param filename: name to give the file; by default its own. (templated)
    :param folder: folder to put it in; files generations. (templated)
    :param title: title of the media; files generations. (templated)
    :param metadata: JSON to keep with it; files and jobs generations. (templated)
    :param ref: the file's reference within its media; files generations. (templated)
    :param media_id: add the file to this media; files generations, URLs only. (templated)
    :param kind: what to make of it; jobs generation, by default found by the name. (templated)
    :param options: options of the kind; jobs generation. (templated)
    :param wait_for_processing: end only when ittybit has processed the media. By default the task ends as soon as
        the upload is accepted (201 or 202), and a
        :class:`~airflow_provider_ittybit.sensors.media.MediaProcessingSensor` can wait elsewhere.
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    :param poll_interval: seconds (or a ``timedelta``) between two looks, 10 by default.
    :param timeout: seconds (or a ``timedelta``) that processing may take, counted from when ittybit accepted the upload
        (the last, of several); by default without end. On Airflow 3.3 retries of the same run share them, if
        ``durable``. A shorter ``execution_timeout`` counts instead.
    :param delete_on_kill: when a person marks the waiting task failed or succeeded or clears it, or its worker is
        stopped, delete what is not processed yet; by default it goes on at ittybit. It is tried once, and what a look
        just before shows to have ended stays. For a deferred task it needs Airflow 3.3; the tasks and jobs generations
        cannot delete, and refuse it before anything is sent.
    :param fetch: have the worker stream ``http(s)`` URLs through, because ittybit cannot reach them.
    :param chunking: ``threshold`` (bytes from which a file goes in chunks, 100 MiB), ``size`` (bytes of a chunk, 16
        MiB), ``parallel`` (chunks at a time, 4), ``content_range`` (form of that header), and the other settings of
        :class:`~airflow_provider_ittybit.uploads.chunks.Chunking`; files generations.
    :param parallel_uploads: how many of several files are uploaded at a time, 4 by default; those of one name go one
        after another.
    :param durable: let a retry of the same run send only what is missing: neither a file that has arrived nor a chunk
        that was acknowledged goes again, and it waits for what was uploaded. This needs Airflow 3.3, whose task state
        store keeps the notes; before it, each try uploads afresh.
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the resource as ittybit answered it (XCom): a media, file, run or job with its ``id``, without the query
        of a source's URL, which may be a signature. The id alone is pushed under the key ``ittybit_id`` as soon as it
        is known.
    :raises IttybitUploadsFailedError: of several, some failed; the others were uploaded, and a retry keeps them.
    :raises IttybitSourceError: the source is a directory, empty or unreadable; ``IttybitSourceNotFoundError`` if it
        is missing.
    :raises IttybitUnsupportedError: the pinned API generation cannot take this source or one of the fields.
    :raises IttybitProcessingFailedError: ittybit could not process it.
    :raises IttybitProcessingTimeoutError: processing did not end within ``timeout``.
    :raises IttybitStoppedError: the task was killed while it waited.
    """

    template_fields: Sequence[str] = (
        "source",
        "filename",
        "folder",
        "title",
        "metadata",
        "ref",
        "media_id",
        "kind",
        "options",
        "ittybit_conn_id",
    )
    made_from = "source"
    template_fields_renderers = {"metadata": "json", "options": "json"}  # noqa: RUF012 - Airflow reads it from the class

    def __init__(
        self,
        *,
        source: object,
        filename: str | None = None,
        folder: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ref: str | None = None,
        media_id: str | None = None,
        kind: str | None = None,
        options: Mapping[str, Any] | None = None,
        fetch: bool = False,
        chunking: Mapping[str, Any] | None = None,
        parallel_uploads: int = 4,
        durable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.filename = filename
        self.folder = folder
        self.title = title
        self.metadata = metadata
        self.ref = ref
        self.media_id = media_id
        self.kind = kind
        self.options = options
        self.fetch = fetch
        self.chunking = chunking
        self.parallel_uploads = parallel_uploads
        self.durable = durable

    def execute(self, context: Any) -> dict[str, Any] | list[dict[str, Any]]:
        """Upload, and wait if asked to."""
        from airflow_provider_ittybit.operators.uploading import upload_all
        from airflow_provider_ittybit.uploads.many import expand
        from airflow_provider_ittybit.uploads.signatures import veiled

        self.check_durations()
        sources = expand(self.source)
        fields = {
            "filename": self.filename or None,
            "folder": self.folder or None,
            "title": self.title or None,
            "metadata": self.metadata,
            "ref": self.ref or None,
            "media_id": self.media_id or None,
            "kind": self.kind or None,
            "options": self.options,
            "fetch": self.fetch,
            "chunking": self.chunking,
        }
        many = sources is not None
        with self.make_hook() as hook:
            self.refuse_to_delete_in_vain(hook)
            uploads = upload_all(
                hook,
                sources if sources is not None else [veiled(self.source)],
                fields,
                context=context,
                durable=self.durable,
                parallel=self.parallel_uploads,
                many=many,
                wait=self.wait_for_processing,
            )
            return self.finish(hook, uploads.resources, context, many=many, since=uploads.since)

    def for_xcom(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the query of a source's URL, which some generations repeat in their answer."""
        from airflow_provider_ittybit.operators.uploading import without_signatures

        return without_signatures(resource, [self.source, self.options])


class ListMediaOperator(IttybitOperator):
    """List what the project holds, into XCom or as JSON Lines into a file.

    :param resource: ``media``, ``files``, ``tasks``, ``runs`` or ``jobs``; by default what an upload adds to.
        (templated)
    :param kind: only this kind, such as ``video``. (templated)
    :param limit: page size, from 1 to 250 in the media generation and 1 to 100 elsewhere; by default the largest, or
        ``max_items`` if that is smaller and the server sifts. (templated)
    :param order_by: ``created``, ``updated`` or ``filesize``; media generation only. (templated)
    :param order: ``asc`` or ``desc``, where the generation documents it. (templated)
    :param created_after: only what was created at this time or later, such as ``{{ data_interval_start }}``; reading
        stops as soon as the list is past it. (templated)
    :param created_before: only what was created before this time, such as ``{{ data_interval_end }}``, so that
        neighbouring runs share no item. (templated)
    :param filters: other filters of the collection, such as ``{"status": "failed"}``, where documented. (templated)
    :param fields: keep only these top-level fields of each item; one that an item lacks is ``None``. (templated)
    :param max_items: at most so many items. (templated)
    :param output_path: a path or URL of any ``ObjectStoragePath`` scheme, to which the items go as JSON Lines instead
        of XCom. It is written when the whole list was read, so a failed task leaves no half file. (templated)
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the list of items (XCom); with ``output_path``: ``{"output_path", "items"}``, ``items`` being their number.
    :raises IttybitInputError: a value that cannot be used. An empty ``kind``, time or filter is refused: a template
        that rendered to nothing would list, and perhaps delete, everything.
    :raises IttybitUnsupportedError: the pinned API generation has no such collection, order or filter.
    """

    template_fields: Sequence[str] = (
        "resource",
        "kind",
        "limit",
        "order_by",
        "order",
        "created_after",
        "created_before",
        "filters",
        "fields",
        "max_items",
        "output_path",
        "ittybit_conn_id",
    )

    def __init__(
        self,
        *,
        resource: str | None = None,
        kind: str | None = None,
        limit: int | str | None = None,
        order_by: str | None = None,
        order: str | None = None,
        created_after: object = None,
        created_before: object = None,
        filters: Mapping[str, str] | None = None,
        fields: Sequence[str] | None = None,
        max_items: int | str | None = None,
        output_path: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.kind = kind
        self.limit = limit
        self.order_by = order_by
        self.order = order
        self.created_after = created_after
        self.created_before = created_before
        self.filters = filters
        self.fields = fields
        self.max_items = max_items
        self.output_path = output_path

    def execute(self, context: Any) -> list[dict[str, Any]] | dict[str, Any]:
        """Read all pages that can hold wanted items."""
        from airflow_provider_ittybit.operators.lineage import listed
        from airflow_provider_ittybit.operators.output import only, write_json_lines
        from airflow_provider_ittybit.uploads.signatures import veiled

        del context
        parameters: dict[str, Any] = {
            "resource": self.resource or None,
            "kind": self.kind,
            "limit": self.limit,
            "order_by": self.order_by or None,
            "order": self.order or None,
            "created_after": self.created_after,
            "created_before": self.created_before,
            "max_items": self.max_items,
        }
        with self.make_hook() as hook:
            items = hook.list_media(**parameters | dict(self.filters or {}))
            chosen = (self.for_xcom(only(item, self.fields)) for item in items)
            if self.output_path:
                count = write_json_lines(chosen, veiled(self.output_path))
                self.log.info("Wrote %d items to %s", count, self.output_path)
                self.lineage = listed(hook, self.resource, self.output_path, count)
                return {"output_path": str(self.output_path), "items": count}
            found = list(chosen)
        self.log.info("Listed %d items", len(found))
        if len(found) >= MANY:
            self.log.warning("%d items go into XCom: set output_path, fields or max_items.", len(found))
        return found


class GetMediaOperator(IttybitOperator):
    """Read one resource.

    :param media_id: id of a media, file, task, run or job, or a resource that holds it. (templated)
    :param resource: name of the collection, for an id without a known prefix. (templated)
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the resource as ittybit sent it (XCom), without what opens the URLs that it was made from.
    :raises IttybitInputError: no id, or a malformed one; nothing was sent.
    :raises IttybitNotFoundError: there is none with this id.
    """

    template_fields: Sequence[str] = ("media_id", "resource", "ittybit_conn_id")
    operator_extra_links = (IttybitMediaLink(), IttybitPreviewLink())

    def __init__(self, *, media_id: object, resource: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.resource = resource

    def execute(self, context: Any) -> dict[str, Any]:
        """Read it."""
        from airflow_provider_ittybit.api.identifiers import id_of

        del context
        with self.make_hook() as hook:
            found = hook.get_media(id_of(self.media_id), resource=self.resource or None)
        return self.for_xcom(found)


class UpdateMediaOperator(IttybitOperator):
    """Change fields of a file or media (files generations); what is not given stays.

    :param media_id: id of a file or media, or a resource that holds it. (templated)
    :param title: new title; media. (templated)
    :param alt: new alternative text; media. (templated)
    :param folder: new folder; files. (templated)
    :param filename: new name; files. (templated)
    :param ref: new reference within its media; files. (templated)
    :param metadata: metadata to merge; a key set to ``None`` is removed. (templated)
    :param resource: name of the collection, for an id without a known prefix. (templated)
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the resource as it is now (XCom), without what opens the URLs that it was made from.
    :raises IttybitInputError: nothing to change, or a field that this resource does not have; nothing was sent.
    :raises IttybitUnsupportedError: the pinned API generation changes nothing of this kind.
    :raises IttybitNotFoundError: there is none with this id.
    """

    template_fields: Sequence[str] = (
        "media_id",
        "title",
        "alt",
        "folder",
        "filename",
        "ref",
        "metadata",
        "resource",
        "ittybit_conn_id",
    )
    template_fields_renderers = {"metadata": "json"}  # noqa: RUF012 - Airflow reads it from the class
    operator_extra_links = (IttybitMediaLink(), IttybitPreviewLink())

    def __init__(
        self,
        *,
        media_id: object,
        title: str | None = None,
        alt: str | None = None,
        folder: str | None = None,
        filename: str | None = None,
        ref: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        resource: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.title = title
        self.alt = alt
        self.folder = folder
        self.filename = filename
        self.ref = ref
        self.metadata = metadata
        self.resource = resource

    def execute(self, context: Any) -> dict[str, Any]:
        """Change it."""
        from airflow_provider_ittybit.api.identifiers import id_of

        del context
        fields = {name: getattr(self, name) for name in CHANGEABLE if getattr(self, name) is not None}
        with self.make_hook() as hook:
            changed = hook.update_media(id_of(self.media_id), resource=self.resource or None, **fields)
            self.note_lineage(hook, [changed], "ALTER")
        return self.for_xcom(changed)


class DeleteMediaOperator(IttybitOperator):
    """Delete one or many resources for good. A missing one counts as deleted.

    All ids are checked before the first request. If ittybit refuses some, the others are deleted all the same, and the
    task fails with the first refusal and the ids that are left.

    :param media_id: an id, a resource that holds one, or a list of them. (templated)
    :param resource: name of the collection, for ids without a known prefix. (templated)
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: ``{"deleted": ids, "missing": ids that were gone before}`` (XCom); ``deleted`` holds both.
    :raises IttybitInputError: an id is empty or malformed; nothing was deleted.
    :raises IttybitUnsupportedError: the pinned API generation deletes nothing of this kind; nothing was deleted.
    :raises IttybitStoppedError: the task was killed; what was not begun by then is not deleted.
    """

    template_fields: Sequence[str] = ("media_id", "resource", "ittybit_conn_id")

    def __init__(self, *, media_id: object, resource: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.resource = resource

    def execute(self, context: Any) -> dict[str, list[str]]:
        """Delete them."""
        from airflow_provider_ittybit.api.identifiers import ids_of
        from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError

        del context
        ids = ids_of(self.media_id)
        done, refused = list[dict[str, Any]](), dict[str, IttybitError]()
        with self.make_hook() as hook:
            for media_id in ids:
                try:
                    hook.pause.check()
                    done.append(hook.delete_media(media_id, resource=self.resource or None))
                except IttybitStoppedError as error:
                    raise cut_short(error, len(done), len(ids)) from None
                except IttybitError as error:
                    refused[media_id] = error
            self.note_lineage(hook, done, "DROP", resource=self.resource or None)
        missing = [item["id"] for item in done if item["missing"]]
        self.log.info("Deleted %d of %d (%d were gone before)", len(done), len(ids), len(missing))
        if refused:
            raise first_of(refused, len(ids))
        return {"deleted": [item["id"] for item in done], "missing": missing}
