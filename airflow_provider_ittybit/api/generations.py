"""Every difference between the generations of the ittybit API, one frozen row for each.

What is *sent* comes from these rows; what is *received* is read by its shape (see ``decoding``). A user is
pinned to one generation by the ``api_version`` of the connection. The sources of a row are the API reference
pages of its time; what they leave open is said beside the value that was chosen.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError, IttybitUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST = "latest"
DEFAULT_VERSION = "2025-08-20"
"""The newest version date whose documentation covers both media and uploads."""


class Paging(enum.Enum):
    """How a next page is asked for."""

    LINKS = "only by the links in the answer"
    PAGES = "page numbers"
    CURSORS = "after and before, which take resource ids"


class Upload(enum.Enum):
    """A way by which media gets in."""

    MULTIPART = "multipart form to the uploads host"
    SIGNED_PUT = "PUT to a signed URL"
    DIRECT_PUT = "PUT with the API key to the delivery domain"
    SELF_SIGNED_PUT = "PUT to the delivery domain with a signature made here"
    INGEST = "a URL that ittybit fetches"


class TaskShape(enum.Enum):
    """How the wish for processing is written down."""

    FLAT = "options beside url or file_id"
    NESTED = "options under `options`"
    JOB = "a job with an input URL, or a task with an input object"


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection of the API.

    :param path: its path.
    :param verbs: what it can do: ``list``, ``get``, ``create``, ``update``, ``delete``.
    :param fields: what an update accepts.
    :param filters: the filters that its list documents.
    """

    path: str
    verbs: frozenset[str]
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One shape of the API.

    :param name: its name, which can be used as ``api_version``.
    :param first: first version date that means this generation, ``None`` for no lower bound.
    :param last: last such date, ``None`` for no upper bound; both ``None`` for a generation without dates.
    :param version_header: name of the header that selects the version.
    :param version: value sent when the pin is the generation's name; ``None`` sends no header.
    :param resources: its collections by name.
    :param main: the collection that an upload adds to and that a list shows by default.
    :param uploads: the ways in, best first.
    :param upload_fields: what can be said about media on its way in.
    :param paging: how the next page is asked for.
    :param limits: smallest and largest page size.
    :param order_by: names of the sort keys, empty where none is documented.
    :param order_by_parameter: name of the query parameter for them.
    :param can_order: whether ``order`` (``asc`` or ``desc``) is documented.
    :param by_kind: collections that hold one kind only.
    :param task_shape: how processing is asked for, ``None`` if it cannot be.
    :param idempotency: whether ``Idempotency-Key`` is honoured on ``POST``.
    """

    name: str
    first: str | None
    last: str | None
    version_header: str
    version: str | None
    resources: Mapping[str, Resource]
    main: str
    uploads: tuple[Upload, ...]
    upload_fields: frozenset[str]
    paging: Paging
    limits: tuple[int, int]
    order_by: tuple[str, ...] = ()
    order_by_parameter: str = "orderBy"
    can_order: bool = False
    by_kind: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    task_shape: TaskShape | None = None
    idempotency: bool = False

    def resource(self, name: str, verb: str) -> Resource:
        """Find a collection that can do ``verb``.

        :raises IttybitInputError: the name is no text.
        :raises IttybitUnsupportedError: this generation has none; the message names those that do.
        """
        if not isinstance(name, str):
            message = f"The collection {name!r:.80} is no text: pass resource= with one of {', '.join(self.resources)}."
            raise IttybitInputError(message)
        found = self.resources.get(name)
        if found is not None and verb in found.verbs:
            return found
        have = [g.name for g in GENERATIONS if name in g.resources and verb in g.resources[name].verbs]
        lack = f"cannot {verb} {name}"
        raise self.lacks(lack, have)

    def lacks(self, what: str, have: list[str]) -> IttybitUnsupportedError:
        """Make the error for something that this generation does not have.

        :param what: what it cannot do, as the end of a sentence about it.
        :param have: names of the generations that can.
        """
        others = (
            f"These can: {', '.join(have)}. Set api_version of the connection to one of them, if your "
            "project may use it"
            if have
            else "No generation of this provider can. IttybitHook.call() reaches an endpoint without a verb"
        )
        return IttybitUnsupportedError(f"The ittybit API generation {self.name!r} {what}. {others}.")


def _verbs(words: str) -> frozenset[str]:
    return frozenset(words.split())


_KIND_LIST = _verbs("list")
_FILES = {
    "files": Resource("/files", _verbs("list get create update delete"), ("folder", "filename", "ref", "metadata")),
    "media": Resource("/media", _verbs("list get create update delete"), ("title", "alt", "metadata")),
    "tasks": Resource("/tasks", _verbs("list get create")),
    "signatures": Resource("/signatures", _verbs("create")),
    "automations": Resource("/automations", _verbs("list get create update delete")),
}
_FILE_UPLOAD_FIELDS = frozenset({"filename", "folder", "title", "metadata", "ref", "media_id"})

GENERATIONS: tuple[Generation, ...] = (
    Generation(
        name="media",
        first=None,
        last="2024-03-20",
        version_header="Ittybit-Version",
        version="2024-01-17",  # no value is published; this is when the API was announced
        resources=MappingProxyType(
            {
                "media": Resource("/media", _verbs("list get create delete")),
                "videos": Resource("/videos", _KIND_LIST),
                "images": Resource("/images", _KIND_LIST),
                "audio": Resource("/audio", _KIND_LIST),
            }
        ),
        main="media",
        uploads=(Upload.MULTIPART, Upload.INGEST),
        upload_fields=frozenset(),
        paging=Paging.LINKS,
        limits=(1, 250),
        order_by=("created", "updated", "filesize"),
        can_order=True,
        by_kind=MappingProxyType({"video": "videos", "image": "images", "audio": "audio"}),
    ),
    Generation(
        name="files-enveloped",
        first="2025-01-01",
        last="2025-08-19",
        version_header="Accept-Version",
        version="2025-01-01",
        resources=MappingProxyType(
            {
                **_FILES,
                "tasks": Resource("/tasks", _verbs("list get create"), filters=("status", "kind")),
            }
        ),
        main="files",
        uploads=(Upload.SIGNED_PUT, Upload.DIRECT_PUT, Upload.INGEST),
        upload_fields=_FILE_UPLOAD_FIELDS,
        paging=Paging.PAGES,
        limits=(1, 100),
        task_shape=TaskShape.FLAT,
    ),
    Generation(
        name="files-flat",
        first="2025-08-20",
        last="2025-09-14",
        version_header="Accept-Version",
        version="2025-08-20",
        resources=MappingProxyType(_FILES),
        main="files",
        uploads=(Upload.SIGNED_PUT, Upload.DIRECT_PUT, Upload.INGEST),
        upload_fields=_FILE_UPLOAD_FIELDS,
        paging=Paging.PAGES,
        limits=(1, 100),
        task_shape=TaskShape.FLAT,
    ),
    Generation(
        name="tasks",
        first="2025-09-15",
        last=None,
        version_header="Accept-Version",
        version="2025-09-15",  # the changelog's date; that it is a header value is nowhere stated
        resources=MappingProxyType(
            {
                "tasks": Resource(
                    "/tasks", _verbs("list get create"), filters=("status", "kind", "run_id", "created_by")
                ),
                "runs": Resource("/runs", _verbs("list get create"), filters=("status",)),
                "events": Resource("/events", _verbs("list get"), filters=("kind",)),
                "automations": Resource("/automations", _verbs("list get create update"), filters=("status",)),
            }
        ),
        main="runs",  # the reference shows an ingest as the first task of a run, never alone
        uploads=(Upload.INGEST, Upload.SELF_SIGNED_PUT),
        upload_fields=frozenset(),
        paging=Paging.CURSORS,
        limits=(1, 100),
        can_order=True,
        task_shape=TaskShape.NESTED,
    ),
    Generation(
        name="jobs",
        first=None,
        last=None,
        version_header="Accept-Version",
        version=None,
        resources=MappingProxyType(
            {
                "jobs": Resource("/jobs", _verbs("list get create"), filters=("status", "kind", "input")),
                # reading one task stands only in the staging twin of these pages
                "tasks": Resource("/tasks", _verbs("get create")),
            }
        ),
        main="jobs",
        uploads=(Upload.INGEST, Upload.SELF_SIGNED_PUT),
        upload_fields=frozenset({"metadata", "kind", "options", "output"}),
        paging=Paging.CURSORS,
        limits=(1, 100),
        can_order=True,
        task_shape=TaskShape.JOB,
        idempotency=True,
    ),
)
"""All generations, oldest first."""

BY_NAME: Mapping[str, Generation] = MappingProxyType({g.name: g for g in GENERATIONS})
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pin:
    """What ``api_version`` of a connection means.

    :param generation: how requests are encoded.
    :param version: the value of the version header, ``None`` to send none.
    """

    generation: Generation
    version: str | None


def read_pin(api_version: str | None) -> Pin:
    """Find the generation that a version means.

    :param api_version: a version date (``2025-08-20``), the name of a generation, or ``latest``, which sends
        no version header and encodes as the default date does. ``None`` means the default, ``2025-08-20``. An
        empty string does not: where a value was meant, as from a variable that is not set, guessing one would
        speak another shape than the project's.
    :raises IttybitConfigurationError: no generation of this provider has that version.
    """
    wanted = DEFAULT_VERSION if api_version is None else api_version.strip()
    if wanted == LATEST:
        return Pin(read_pin(DEFAULT_VERSION).generation, None)
    if wanted in BY_NAME:
        generation = BY_NAME[wanted]
        return Pin(generation, generation.version)
    if _is_date(wanted):
        for generation in GENERATIONS:
            if _covers(generation, wanted):
                return Pin(generation, wanted)
    known = ", ".join(f"{g.name} ({_dates(g)})" for g in GENERATIONS)
    message = (
        f"api_version={wanted!r} is none that this provider speaks. Set it in the connection's extra to a "
        f"version date of the form YYYY-MM-DD, to {LATEST!r}, or to one of: {known}. Without it, "
        f"{DEFAULT_VERSION} counts."
    )
    raise IttybitConfigurationError(message)


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.match(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _covers(generation: Generation, version: str) -> bool:
    if generation.first is None and generation.last is None:
        return False
    return (generation.first or "") <= version <= (generation.last or "9999-12-31")


def _dates(generation: Generation) -> str:
    match generation.first, generation.last:
        case None, None:
            return "no date"
        case None, last:
            return f"up to {last}"
        case first, None:
            return f"from {first}"
        case first, last:
            return f"{first} to {last}"
