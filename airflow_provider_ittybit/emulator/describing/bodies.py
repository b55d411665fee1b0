"""What the requests hold: bodies, and the parameters of query and header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.describing.schemas import (
    BYTES,
    FILLED,
    FREE,
    TEXT,
    WHOLE,
    Schema,
    between,
    form,
    named,
    words,
)
from airflow_provider_ittybit.emulator.exchange import HIGHEST
from airflow_provider_ittybit.emulator.generations.file_tasks import FILTER as FILE_TASK_FILTER
from airflow_provider_ittybit.emulator.generations.jobs import FILTER as JOB_FILTER
from airflow_provider_ittybit.emulator.generations.tasks import MOST_TASKS, RUN_ONLY, STATUSES
from airflow_provider_ittybit.emulator.profiles import JOB_KINDS, STEP_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.emulator.profiles import Generation

JSON = "application/json"
_PLACE: dict[str, Schema] = {"filename": TEXT, "folder": TEXT, "ref": TEXT}


def bodies(generation: Generation) -> dict[str, dict[str, Schema]]:
    """Return the bodies that the routes of a generation name: for each, the schema for each media type."""
    kinds = sorted(generation.task_kinds)
    single = sorted(generation.task_kinds - RUN_ONLY)
    fields = {"options": FREE, "destination": TEXT, **_PLACE}
    return {
        "Bytes": {"application/octet-stream": BYTES},
        "Upload": {
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {**BYTES, "contentMediaType": "application/octet-stream"}, "url": TEXT},
            },
            "application/x-www-form-urlencoded": {"type": "object", "properties": {"url": FILLED}, "required": ["url"]},
        },
        "NewFile": {JSON: form({"url": FILLED}, {**_PLACE, "media_id": TEXT, "metadata": FREE})},
        "FileChanges": {JSON: form({}, {**_PLACE, "metadata": FREE})},
        "MediaFields": {JSON: form({}, {"title": TEXT, "alt": TEXT, "metadata": FREE})},
        "NewSignature": {
            JSON: form({"filename": FILLED}, {"folder": TEXT, "expiry": WHOLE, "method": words("get", "put")})
        },
        "NewFileTask": {
            JSON: form({"kind": words(*kinds)}, {"url": TEXT, "file_id": TEXT, **_PLACE, "webhook_url": TEXT})
        },
        "NewTask": {JSON: form({"url": FILLED, "kind": words(*single)}, fields)},
        "NewRun": {
            JSON: form(
                {"tasks": {"type": "array", "items": named("RunTask"), "minItems": 1, "maxItems": MOST_TASKS}},
                {"metadata": FREE},
            )
        },
        "NewJob": {
            JSON: form(
                {"kind": words(*sorted(JOB_KINDS)), "input": {"type": "string", "pattern": "^(https?|s3)://"}},
                {"options": FREE, "output": TEXT, "metadata": FREE, "webhook_url": TEXT},
            )
        },
        "NewStep": {
            JSON: form(
                {"kind": words(*sorted(STEP_KINDS)), "input": form({}, {"url": TEXT, "id": TEXT})}, {"options": FREE}
            )
        },
    }


def parts(generation: Generation) -> dict[str, Schema]:
    """Return the schemas to which a body refers by name."""
    kinds = words(*sorted(generation.task_kinds))
    following = {"type": "array", "items": named("RunTask")}
    fields = {"url": TEXT, "options": FREE, "destination": TEXT, **_PLACE, "next": following}
    return {"RunTask": form({"kind": kinds}, fields)}


#: Of the query: the name that a route uses here, the name that is sent, and what it takes.
PARAMETERS: Mapping[str, tuple[str, Schema]] = {
    "page": ("page", between(1, HIGHEST, default=1)),
    "limit": ("limit", between(1, 100, default=20)),
    "early_limit": ("limit", between(1, 250, default=10)),
    "orderBy": ("orderBy", words("created", "updated", "filesize")),
    "order": ("order", words("asc", "desc")),
    "after": ("after", TEXT),
    "before": ("before", TEXT),
    "kind": ("kind", TEXT),
    "input": ("input", TEXT),
    "run_id": ("run_id", TEXT),
    "created_by": ("created_by", TEXT),
    "file_task_status": ("status", words(*FILE_TASK_FILTER)),
    "task_status": ("status", words(*STATUSES)),
    "job_status": ("status", words(*JOB_FILTER)),
    "expiry": ("expiry", TEXT),
    "method": ("method", words("get", "put")),
    "signature": ("signature", TEXT),
}

#: Of the request's headers.
HEADERS: Mapping[str, Schema] = {
    "Idempotency-Key": TEXT,
    "Content-Range": {"type": "string", "pattern": "^bytes[= ][0-9]{1,15}-[0-9]{1,15}/[0-9]{1,15}$"},
    "Range": {"type": "string", "pattern": "^bytes=[0-9]{0,9}-[0-9]{0,9}$"},
}
