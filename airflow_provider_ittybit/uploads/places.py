"""URIs of what is read and written beside ittybit, for lineage: without credentials, connections and signatures."""

from __future__ import annotations

import os
from pathlib import Path

from airflow_provider_ittybit.uploads.unreadable import presentable


def place_of(source: object) -> str | None:
    """Name a file of this worker, an object of a store, or a URL, as Airflow's assets name them.

    :param source: a path, an ``ObjectStoragePath`` or a URL, as a user gave it.
    :return: such as ``file:///data/talk.mp4``, ``s3://bucket/key`` or ``https://host/path``, without its query;
        ``None`` for what has no name.
    """
    text = os.fspath(source) if isinstance(source, Path) else str(source or "").strip()
    if not text:
        return None
    if "://" in text:
        scheme, _, rest = presentable(text).split("#", 1)[0].partition("://")
        return f"{scheme.lower()}://{rest}"
    return Path(text).absolute().as_uri()
