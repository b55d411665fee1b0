"""Several files in one upload task: what a list or a pattern means, and uploads side by side."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitSourceNotFoundError
from airflow_provider_ittybit.uploads.signatures import veiled
from airflow_provider_ittybit.uploads.threads import as_done
from airflow_provider_ittybit.uploads.unreadable import in_store, presentable, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_MAGIC = frozenset("*?[")


def expand(source: object) -> list[object] | None:
    """Find the files that a source means.

    :param source: a list, as an upstream task may return it, or a pattern with ``*``, ``**``, ``?`` or ``[…]`` of this
        worker's file system or of an object store, also as an ``ObjectStoragePath``. A path that exists as it stands
        is no pattern.
    :return: the files in order; ``None`` for a single source.
    :raises IttybitInputError: an empty list.
    :raises IttybitSourceNotFoundError: no file matches the pattern.
    :raises IttybitError: the store cannot be read.
    """
    if in_store(source):
        source = _with_connection(source)
    source = veiled(source)
    if isinstance(source, str):
        return _matches(source) if _is_pattern(source) else None
    if isinstance(source, Mapping | bytes | os.PathLike) or hasattr(source, "protocol"):
        return None
    if not isinstance(source, Iterable):
        return None
    found = [veiled(one) for one in source]
    if not found:
        message = "The list of what should be uploaded is empty: check the upstream task, or skip this one."
        raise IttybitInputError(message)
    return found


def connect_stores(sources: Iterable[object]) -> None:
    """Have Airflow look up the connections of all object stores, so that no thread has to: it takes one at a time.

    What cannot be connected is left for its own upload to tell.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    for source in sources:
        is_url = isinstance(source, str) and "://" in source and not source.strip().lower().startswith("http")
        with contextlib.suppress(Exception):
            path: Any = ObjectStoragePath(source.strip()) if is_url and isinstance(source, str) else source
            getattr(path, "fs", None)  # reading it is what connects


def side_by_side(
    items: Sequence[T],
    action: Callable[[T], dict[str, object]],
    parallel: int,
    places: Sequence[object] = (),
    *,
    stop: Callable[[], None],
) -> tuple[list[dict[str, object] | None], dict[int, Exception]]:
    """Do something with each item, a few at a time.

    :param places: where each leads: those of one place go one after another, those of ``None`` as they come.
    :param stop: ends what is under way soon. It is called when something interrupts this thread, as
        ``execution_timeout`` does: Airflow calls ``on_kill`` only afterwards, and until then nobody else would.
    :return: the results, ``None`` where it failed, and the errors by position.
    """
    if isinstance(parallel, bool) or not isinstance(parallel, int) or parallel < 1:
        message = f"parallel_uploads={parallel!r} is no number of uploads: give 1 or more."
        raise IttybitInputError(message)
    results: list[dict[str, object] | None] = [None] * len(items)
    errors: dict[int, Exception] = {}

    def in_turn(line: list[int]) -> None:
        for position in line:
            try:
                results[position] = action(items[position])
            except Exception as error:  # noqa: BLE001 - whatever befell one, the others are tried and all is told
                errors[position] = error

    lines = _lines(places or [None] * len(items))
    with ThreadPoolExecutor(min(parallel, len(lines)), thread_name_prefix="ittybit-upload") as pool:
        try:
            for future in as_done([pool.submit(in_turn, line) for line in lines]):
                future.result()
        except BaseException:  # no error of an item comes out here
            pool.shutdown(wait=False, cancel_futures=True)  # before any thread is free for the next
            stop()
            raise
    return results, dict(sorted(errors.items()))


def _lines(places: Sequence[object]) -> list[list[int]]:
    """Put the positions of one place into one line."""
    lines: dict[object, list[int]] = {}
    for position, place in enumerate(places):
        lines.setdefault(position if place is None else place, []).append(position)
    return list(lines.values())


def _is_pattern(text: str) -> bool:
    scheme, separator, path = text.partition("://")
    if not separator:
        return bool(_MAGIC & set(text)) and not Path(text).expanduser().exists()
    return scheme.lower() not in ("http", "https") and bool(_MAGIC & set(path))


def _with_connection(path: Any) -> str:
    """Write an ``ObjectStoragePath`` as a URL that names its connection."""
    scheme, _, rest = str(path).partition("://")
    return f"{scheme}://{path.conn_id}@{rest}" if getattr(path, "conn_id", None) else str(path)


def _matches(pattern: str) -> list[object] | None:
    found = _of_store(pattern) if "://" in pattern else _of_worker(pattern)
    if found is not None and not found:
        where = "in its store" if "://" in pattern else "on this worker"
        message = f"No file matches {presentable(pattern)!r} {where}: check the pattern, and that the files are there."
        raise IttybitSourceNotFoundError(message)
    return found


def _of_worker(pattern: str) -> list[object]:
    names = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 - takes absolute ones
    return [name for name in names if Path(name).is_file()]


def _of_store(pattern: str) -> list[object] | None:
    """Find what matches, each with the connection of the pattern; ``None`` if it is no pattern of a store.

    That is so where an object has this very name, and where the store cannot be used at all.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    scheme, _, rest = pattern.partition("://")
    authority, _, path = rest.partition("/")
    connection, at, bucket = authority.rpartition("@")
    if ":" in connection:  # a key and its secret, which is refused as a single source is
        return None
    try:
        store = ObjectStoragePath(f"{scheme}://{authority}")
    except (ValueError, ImportError):  # no such scheme, which is told as for a single source
        return None
    try:
        store.fs.invalidate_cache()  # a listing from before would hide what was written since
        if store.fs.isfile(f"{bucket}/{path}"):
            return None
        facts = store.fs.glob(f"{bucket}/{path}", detail=True)
    except (ValueError, ImportError):  # no such scheme or bucket, which is told as for a single source
        return None
    except Exception as error:  # each store raises errors of its own kinds
        raise unreadable(store, error) from error
    names = sorted(name for name, fact in facts.items() if fact["type"] != "directory")
    return [f"{scheme}://{connection}{at}{name.lstrip('/') if scheme != 'file' else name}" for name in names]
