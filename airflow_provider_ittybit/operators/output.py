"""Where a list goes when it is too large for XCom: JSON Lines in any object store."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_ittybit.exceptions import IttybitInputError
from airflow_provider_ittybit.uploads.unreadable import has_key_before_bucket, in_store, presentable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import ObjectStoragePath

BLOCK = 1 << 20

BUCKETS = frozenset({"s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "adl", "az", "wasb", "wasbs"})
"""Protocols of stores without folders; to make one there would be to make the bucket that a typing error names."""


def only(item: Mapping[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """Keep some top-level fields of an item, in the given order; without ``fields`` all."""
    if isinstance(fields, str):
        fields = [name.strip() for name in fields.split(",") if name.strip()]
    return {name: item.get(name) for name in fields} if fields else dict(item)


def write_json_lines(items: Iterable[Mapping[str, Any]], target: object) -> int:
    """Write items as UTF-8 JSON, one in each line.

    They are collected on disk first and copied when all are there. On this worker the copy is renamed into place, so it
    appears whole or not at all. So it does in S3, which shows an object only when its upload is completed, and a copy
    that fails or is killed never is; what a killed one sent of a large object may stay there, unseen and paid for,
    until a lifecycle rule of the bucket removes it. Other stores do what their file systems for Python do.

    :param items: what to write.
    :param target: a path, an ``ObjectStoragePath`` or a URL of one of its schemes. Missing folders are made,
        but no bucket.
    :return: how many were written.
    :raises IttybitInputError: a key and its secret stand before its bucket.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if has_key_before_bucket(str(target)):
        message = (
            f"Cannot write to {presentable(str(target))!r}: a key stands before its bucket. Put that into an Airflow "
            "connection, and name it as in s3://aws_default@bucket/key."
        )
        raise IttybitInputError(message)
    path = target if isinstance(target, ObjectStoragePath) else ObjectStoragePath(str(target))
    count = 0
    with tempfile.TemporaryFile() as collected:
        for item in items:
            collected.write(json.dumps(item, ensure_ascii=False).encode() + b"\n")
            count += 1
        collected.seek(0)
        if path.protocol not in BUCKETS:
            path.parent.mkdir(parents=True, exist_ok=True)
        if in_store(path):
            _into_store(collected, path)
        else:
            _into_place(collected, Path(path.path))
    return count


def _into_place(content: IO[bytes], target: Path) -> None:
    target = target.resolve()  # what a link names is replaced, not the link
    if target.exists() and not target.is_file():
        with target.open("wb") as out:  # a pipe or a device, which cannot be replaced
            shutil.copyfileobj(content, out, BLOCK)
        return
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as out:
            shutil.copyfileobj(content, out, BLOCK)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _into_store(content: IO[bytes], path: ObjectStoragePath) -> None:
    out = path.open("wb")
    try:
        shutil.copyfileobj(content, out, BLOCK)
    except BaseException:
        with contextlib.suppress(Exception):
            out.discard()
        getattr(out, "_obj", out).closed = True  # to close it would complete the object with what is there of it
        raise
    out.close()
