"""Have ittybit make something: a transcode, a thumbnail, subtitles, …."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.operators.waiting import WaitingOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWN = frozenset({"kind", "input", "options", "idempotency_key"})
"""What has a parameter of its own and cannot stand among other fields."""


class CreateTaskOperator(WaitingOperator):
    """Create a task (a job, in the jobs generation), and wait for what it makes if asked to.

    :param kind: what to make, such as ``video``, ``image``, ``audio``, ``thumbnails`` or ``subtitles``. A kind or an
        option that the reference of the pinned API generation does not document is sent as it is, with a warning that
        names those it does. (templated)
    :param input: what to make it of: an ``http(s)`` URL, or an ``s3`` URL (documented for the jobs generation only),
        the id of a file (files generations), the input object of a task of the jobs generation, or the resource that an
        upstream task returned, such as ``upload.output``: a file, a media of one source, or a task, run or job that
        made one file. (templated)
    :param options: options of the kind, such as ``{"width": 320, "format": "png"}``; sizes in pixels, times in
        seconds. (templated)
    :param filename: name of what is made; files generations. (templated)
    :param folder: folder to put it in; files generations. (templated)
    :param ref: its reference within its media; files generations. (templated)
    :param workflow: what follows, for the kind ``workflow``: a list such as ``[{"kind": "image", "ref": "poster"}]``;
        files generations. (templated)
    :param destination: where what is made goes, such as ``s3://bucket/key``; tasks and jobs generations. (templated)
    :param connection_id: id of the storage connection at ittybit for ``destination``; tasks generation. (templated)
    :param metadata: JSON to keep with it; jobs generation. (templated)
    :param webhook_url: where ittybit tells the end, beside this task. (templated)
    :param fields: other fields of the task by ittybit's own names, sent as they are. (templated)
    :param idempotency_key: lets ittybit recognise a repetition within 24 hours; jobs generation, not sent elsewhere. By
        default it names the wish and the run of this task, so a retry makes no second job, also before Airflow 3.3, and
        a cleared task makes a new one. A key of your own is sent as it is at every try. (templated)
    :param wait_for_processing: end only when ittybit is done. By default the task ends as soon as ittybit accepted it,
        and a :class:`~airflow_provider_ittybit.sensors.task.TaskSensor` can wait elsewhere.
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks, 10 by default.
    :param timeout: seconds (or a ``timedelta``) that processing may take, from the moment ittybit accepted it; by
        default without end. On Airflow 3.3 retries of the same run share them.
    :param delete_on_kill: not for tasks: no API generation deletes them, so it is refused before anything is sent.
    :param durable: let a retry of the same run go on with what an earlier try created, unless that failed or is gone.
        This needs Airflow 3.3, whose task state store keeps the id; before it, each try creates a new one, but for the
        jobs generation with its key.
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the task or job as ittybit answered it (XCom); the processed one if this task waits. It lacks the queries
        of the URLs that were given, which may be signatures. Its id alone is pushed under the key ``ittybit_id`` as
        soon as it is known.
    :raises IttybitUnsupportedError: the pinned API generation has no tasks, or no place for one of the fields.
    :raises IttybitInputError: an input or an option that cannot be sent, such as a run that made nothing yet.
    :raises IttybitInvalidRequestError: ittybit does not know the kind or one of its options.
    :raises IttybitProcessingFailedError: ittybit could not make it, in ittybit's own words.
    :raises IttybitProcessingTimeoutError: processing did not end within ``timeout``.
    """

    template_fields: Sequence[str] = (
        "kind",
        "input",
        "options",
        "filename",
        "folder",
        "ref",
        "workflow",
        "destination",
        "connection_id",
        "metadata",
        "webhook_url",
        "fields",
        "idempotency_key",
        "ittybit_conn_id",
    )
    made_from = "read"
    template_fields_renderers = {  # noqa: RUF012 - Airflow reads it from the class
        "options": "json",
        "workflow": "json",
        "metadata": "json",
        "fields": "json",
    }

    def __init__(
        self,
        *,
        kind: str,
        input: object,  # noqa: A002 - ittybit's own word for it, as in the hook
        options: Mapping[str, Any] | None = None,
        filename: str | None = None,
        folder: str | None = None,
        ref: str | None = None,
        workflow: Sequence[Any] | None = None,
        destination: str | None = None,
        connection_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        fields: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        durable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.input = input
        self.options = options
        self.filename = filename
        self.folder = folder
        self.ref = ref
        self.workflow = workflow
        self.destination = destination
        self.connection_id = connection_id
        self.metadata = metadata
        self.webhook_url = webhook_url
        self.fields = fields
        self.idempotency_key = idempotency_key
        self.durable = durable

    def execute(self, context: Any) -> dict[str, Any] | list[dict[str, Any]]:
        """Create it, and wait if asked to."""
        from airflow_provider_ittybit.operators.creating import Creation, create_once

        self.check_durations()
        with self.make_hook() as hook:
            self.refuse_to_delete_in_vain(hook, "tasks")
            wanted = Creation(
                kind=self.kind,
                source=self.input,
                options=self.options or None,
                fields=self._all_fields(hook.settings.generation),
                idempotency_key=self.idempotency_key or None,
            )
            made = create_once(hook, wanted, context=context, durable=self.durable)
            return self.finish(hook, [made], context, many=False)

    def for_xcom(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the queries of the URLs that were given, which some generations repeat in their answer."""
        from airflow_provider_ittybit.operators.uploading import without_signatures

        given = [self.input, self.options, self.workflow, self.webhook_url, self.destination, self.fields]
        return without_signatures(resource, given)

    @property
    def read(self) -> object:
        """What it is made of: a resource by its id, or a URL."""
        return {"id": self.input} if isinstance(self.input, str) and "://" not in self.input else self.input

    def _all_fields(self, generation: Any) -> dict[str, Any]:
        from airflow_provider_ittybit.api.kinds import task_fields
        from airflow_provider_ittybit.exceptions import IttybitInputError

        named = {
            "filename": self.filename or None,
            "folder": self.folder or None,
            "ref": self.ref or None,
            "workflow": list(self.workflow) if self.workflow else None,
            "destination": self.destination or None,
            "connection_id": self.connection_id or None,
            "metadata": self.metadata,
            "webhook_url": self.webhook_url or None,
        }
        known, others = task_fields(generation, named), dict(self.fields or {})
        twice = sorted((OWN | set(known)) & set(others))
        if twice:
            message = f"fields holds {', '.join(twice)}, which has a parameter of its own: pass it only there."
            raise IttybitInputError(message)
        return {**others, **known}
