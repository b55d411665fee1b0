"""Where a list goes when it is too large for XCom: JSON Lines in any object store."""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


BUCKETS = frozenset({"s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "adl", "az", "wasb", "wasbs"})
"""Protocols of stores without folders; to make one there would be to make the bucket that a typing error names."""


def only(item: Mapping[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """Keep some top-level fields of an item, in the given order; without ``fields`` all."""
    if isinstance(fields, str):
        fields = [name.strip() for name in fields.split(",") if name.strip()]
    return {name: item.get(name) for name in fields} if fields else dict(item)


def write_json_lines(items: Iterable[Mapping[str, Any]], target: object) -> int:
    """Write items as UTF-8 JSON, one in each line.

    They are collected on disk first and copied when all are there, so nothing half is ever at the target.

    :param items: what to write.
    :param target: a path, an ``ObjectStoragePath`` or a URL of one of its schemes. Missing folders are made,
        but no bucket.
    :return: how many were written.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    path = target if isinstance(target, ObjectStoragePath) else ObjectStoragePath(str(target))
    count = 0
    with tempfile.TemporaryFile() as collected:
        for item in items:
            collected.write(json.dumps(item, ensure_ascii=False).encode() + b"\n")
            count += 1
        collected.seek(0)
        if path.protocol not in BUCKETS:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            shutil.copyfileobj(collected, out, 1 << 20)
    return count
