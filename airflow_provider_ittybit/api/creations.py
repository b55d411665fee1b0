"""One function for each call that adds something: ingest, signatures, bytes, processing tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.decoding import read_resource
from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.api.generations import GENERATIONS, Generation, TaskShape, Upload
from airflow_provider_ittybit.api.identifiers import PREFIXES, check_id
from airflow_provider_ittybit.api.kinds import JOB_KINDS
from airflow_provider_ittybit.api.messages import Body, Call, Origin, Request
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = dict[str, Any]


def ingest(
    generation: Generation, url: str, fields: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[Resource]:
    """Have ittybit fetch media from a URL.

    - media generation: a form with ``url`` to the uploads host.
    - files generations: ``POST /files``.
    - tasks generation: ``POST /runs`` whose only task is an ``ingest``, as the reference shows it. Whether
      ``POST /tasks`` would take that kind is not stated.
    - jobs generation: ``POST /jobs``, which always makes something of its input, so it needs a ``kind``.

    :param url: where ittybit finds the media.
    :param fields: what else to say; what the generation does not document must be checked before.
    :param idempotency_key: lets ittybit recognise a repetition (jobs generation; elsewhere not sent).
    :raises IttybitInputError: the URL is none that ittybit could fetch.
    """
    _url(url)
    if Upload.MULTIPART in generation.uploads:
        request = Request(
            "POST", "/media", Origin.UPLOADS, body=form_text({"url": url}), traces=f"a media of {shown(url)}"
        )
    elif generation.task_shape is TaskShape.NESTED:
        tasks = [{"kind": "ingest", "options": {"url": url}}]
        request = Request("POST", "/runs", json={"tasks": tasks}, traces=f"a run that ingests {shown(url)}")
    elif generation.task_shape is TaskShape.JOB:
        return create_task(
            generation,
            fields.get("kind"),
            url,
            fields.get("options"),
            _job_fields(fields),
            idempotency_key=idempotency_key,
        )
    else:
        traces = f"a file of {shown(url)}{_names(fields)}"
        request = Request("POST", "/files", json={"url": url, **fields}, traces=traces)
    return Call(request, read_resource)


def send_form(body: Body, filename: str | None = None) -> Call[Resource]:
    """Send media as a form to the uploads host (media generation).

    :param filename: the file's name in the form, for errors.
    """
    traces = f"a media with the file {filename!r}" if filename else None
    return Call(Request("POST", "/media", Origin.UPLOADS, body=body, traces=traces), read_resource)


def create_task(
    generation: Generation,
    kind: object,
    source: str | Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    *,
    idempotency_key: str | None = None,
) -> Call[Resource]:
    """Ask for processing.

    :param kind: what to make: ``video``, ``image``, ``audio``, ``thumbnails``, ``subtitles``, …
    :param source: the id of a file (files generations), a URL, or the input object of a task of the jobs
        generation.
    :param options: options of the kind.
    :param fields: other top-level fields, such as ``folder``, ``filename``, ``ref``, ``metadata``.
    :param idempotency_key: lets ittybit recognise a repetition (jobs generation; elsewhere not sent).
    :raises IttybitInputError: no kind, no usable source, or an option that collides with another field.
    """
    if not isinstance(kind, str) or not kind:
        message = f"kind={kind!r} does not say what to make of {shown(source)}: pass kind, such as 'video' or 'image'."
        raise IttybitInputError(message)
    own = sorted({"kind", "url", "file_id", "input", "options"} & set(fields or {}))
    if own:
        message = f"{', '.join(own)} cannot be given a second time for {shown(source)}: pass kind, input and options."
        raise IttybitInputError(message)
    body: dict[str, Any]
    match generation.task_shape:
        case TaskShape.FLAT:
            path, body = "/tasks", _flat(kind, source, options or {}, fields or {})
        case TaskShape.NESTED:
            body = {"url": _url(source), "kind": kind, **(fields or {})}
            path, body = "/tasks", ({**body, "options": dict(options)} if options else body)
        case TaskShape.JOB:
            path, body = _job(kind, source, options, fields or {})
        case None:
            lack = "cannot create tasks"
            raise generation.lacks(lack, [g.name for g in GENERATIONS if g.task_shape])
    key = idempotency_key if generation.idempotency else None
    word = "job" if path == "/jobs" else "task"
    traces = f"a {word} of the kind {kind!r} with the input {shown(source)}{_names(fields or {})}"
    return Call(Request("POST", path, json=body, idempotency_key=key, traces=traces), read_resource)


def _flat(
    kind: str, source: str | Mapping[str, Any], options: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    taken = {"kind", "url", "file_id", *fields}
    twice = sorted(taken & set(options))
    if twice:
        message = f"The options {', '.join(twice)} collide with fields of the task itself; rename or drop them."
        raise IttybitInputError(message)
    text = source if isinstance(source, str) else ""
    where = {"file_id": check_id(text)} if _is_id(text) else {"url": _url(source)}
    return {**where, "kind": kind, **options, **fields}


def _job(
    kind: str, source: str | Mapping[str, Any], options: Mapping[str, Any] | None, fields: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    extra = {"options": dict(options)} if options else {}
    if kind in JOB_KINDS and isinstance(source, str):
        return "/jobs", {"input": _url(source), "kind": kind, **extra, **fields}
    given = {"url": _url(source)} if isinstance(source, str) else dict(source)
    return "/tasks", {"kind": kind, "input": given, **extra, **fields}


def _job_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("kind", "options")}


def _url(source: str | Mapping[str, Any]) -> str:
    if isinstance(source, str) and source.split("://", 1)[0].lower() in ("http", "https", "s3") and "://" in source:
        return source
    message = (
        f"{shown(source)} cannot be the input here: this API generation takes a URL (http, https or s3), "
        "and the files generations also the id of a file."
    )
    raise IttybitInputError(message)


def _is_id(text: str) -> bool:
    prefix, _, rest = text.partition("_")
    return "://" not in text and rest != "" and PREFIXES.get(prefix) == "files"


def _names(fields: Mapping[str, Any]) -> str:
    """Write down by what a person may find what is asked for."""
    named = ", ".join(f"{name} {fields[name]!r}" for name in ("filename", "folder", "ref") if fields.get(name))
    return f" ({named})" if named else ""


def shown(source: object) -> str:
    """Write a source without the parts that can hold a secret: user and query of a URL, fields of an object."""
    if isinstance(source, str):
        return repr(re.sub(r"//[^/]*@", "//…@", source.split("?", 1)[0]))
    return f"an object ({type(source).__name__})"
