"""What the answers hold: each resource as the emulator shows it, all its fields and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.describing.schemas import (
    FLAG,
    FREE,
    MOMENT,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    many,
    named,
    or_null,
    record,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT, _WHOLE, _NUMBER = or_null(TEXT), or_null(WHOLE), or_null(NUMBER)

_FACTS = {
    "codec": _TEXT,
    "container": _TEXT,
    "width": _WHOLE,
    "height": _WHOLE,
    "orientation": _TEXT,
    "rotation": _WHOLE,
    "transparency": or_null(FLAG),
    "animated": or_null(FLAG),
    "frames": _WHOLE,
    "duration": _NUMBER,
    "fps": _NUMBER,
    "bitrate": _WHOLE,
}
_SIZES = {"width": _WHOLE, "height": _WHOLE, "duration": _NUMBER}
_STAMPS = dict.fromkeys(("created_at", "started_at", "finished_at", "updated_at"), _WHOLE)
_FILE = {
    "id": TEXT,
    "media_id": TEXT,
    "object": words("source", "track"),
    "kind": _TEXT,
    "type": TEXT,
    **_FACTS,
    "filesize": WHOLE,
    "ref": _TEXT,
    "folder": _TEXT,
    "filename": _TEXT,
    "url": TEXT,
    "metadata": FREE,
    "created_by": TEXT,
    "status": words("waiting", "processing", "ready", "failed"),
}
_RUN_STATUS = words("waiting", "validating", "queued", "processing", "finishing", "succeeded", "failed", "cancelled")
_BY_URL = record({"url": TEXT})

RESOURCES: Mapping[str, Schema] = {
    "Message": record({"message": TEXT}),
    "Received": record({"message": TEXT}),
    "File": record({**_FILE, "created": MOMENT, "updated": MOMENT}, optional={"error": TEXT}),
    "Media": record(
        {
            "id": TEXT,
            "object": words("media"),
            "kind": _TEXT,
            "title": _TEXT,
            "alt": _TEXT,
            **_SIZES,
            "files": many(named("File")),
            "urls": {"type": "object", "additionalProperties": TEXT},
            "metadata": FREE,
            "created": MOMENT,
            "updated": MOMENT,
        }
    ),
    "EarlyMedia": record(
        {
            "id": TEXT,
            "object": words("media"),
            "kind": _TEXT,
            "filename": _TEXT,
            "title": _TEXT,
            "filesize": WHOLE,
            **_SIZES,
            "sources": many(
                record({"id": TEXT, "kind": _TEXT, "type": TEXT, "filesize": WHOLE, **_SIZES, "url": TEXT})
            ),
            "urls": record({"preview": _TEXT, "poster": _TEXT, "playback": _TEXT}),
            "created": MOMENT,
            "updated": MOMENT,
        },
        optional={"error": record({"message": TEXT})},
    ),
    "Output": record(
        {
            "id": TEXT,
            "object": words("source", "track"),
            "kind": _TEXT,
            "type": TEXT,
            "filesize": WHOLE,
            **_SIZES,
            "ref": _TEXT,
            "url": TEXT,
        }
    ),
    "FileTask": record(
        {
            "id": TEXT,
            "object": words("task"),
            "kind": TEXT,
            "input": {"anyOf": [named("Output"), _BY_URL, record({"file_id": _TEXT})]},
            "options": FREE,
            "output": or_null(named("Output")),
            "status": words("pending", "processing", "completed", "failed", "cancelled"),
            "progress": WHOLE,
            "error": _TEXT,
            "created_by": _TEXT,
            "parent_id": _TEXT,
            "created": MOMENT,
            "updated": MOMENT,
        }
    ),
    "TaskKinds": {"type": "object", "additionalProperties": record({"options": many(TEXT)})},
    "Task": record(
        {
            "id": TEXT,
            "object": words("task"),
            "kind": TEXT,
            "status": _RUN_STATUS,
            "progress": WHOLE,
            "run_id": _TEXT,
            "inputs": many({"anyOf": [named("Output"), _BY_URL]}),
            "outputs": many(named("Output")),
            "options": FREE,
            "error": _TEXT,
            "created_by": _TEXT,
            **_STAMPS,
        }
    ),
    "Run": record(
        {
            "id": TEXT,
            "object": words("run"),
            "status": _RUN_STATUS,
            "progress": WHOLE,
            "tasks": many(named("Task")),
            "metadata": or_null(FREE),
            "error": _TEXT,
            "created_by": _TEXT,
            **_STAMPS,
        }
    ),
    "Event": record(
        {
            "id": TEXT,
            "object": words("event"),
            "kind": TEXT,
            "data": {"anyOf": [named("Task"), named("Run"), {"type": "null"}]},
            "created_at": WHOLE,
        }
    ),
    "Facts": record({"kind": TEXT, "type": TEXT, **_FACTS, "filesize": WHOLE}),
    "StepFile": record({**_FILE, "created_at": WHOLE, "updated_at": WHOLE}, optional={"error": TEXT}),
    "Step": record(
        {
            "id": TEXT,
            "object": words("task"),
            "kind": TEXT,
            "input": {"anyOf": [_BY_URL, named("StepFile"), {"type": "null"}]},
            "output": {"anyOf": [named("StepFile"), named("Facts"), {"type": "null"}]},
            "options": FREE,
            "status": words("waiting", "processing", "succeeded", "failed", "cancelled"),
            "progress": _WHOLE,
            "error": _TEXT,
            **_STAMPS,
        }
    ),
    "Job": record(
        {
            "id": TEXT,
            "object": words("job"),
            "kind": TEXT,
            "input": TEXT,
            "output": _TEXT,
            "options": FREE,
            "metadata": or_null(FREE),
            "status": words("queued", "processing", "succeeded", "failed", "cancelled"),
            "error": _TEXT,
            "tasks": many(named("Step")),
            **_STAMPS,
        }
    ),
    "Signature": record(
        {
            "domain": TEXT,
            "filename": TEXT,
            "folder": _TEXT,
            "expiry": WHOLE,
            "method": words("get", "put"),
            "signature": TEXT,
            "url": TEXT,
        }
    ),
}
