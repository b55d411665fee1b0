"""Several files in one upload task: what a list or a pattern means, and uploads side by side."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ittybit.exceptions import IttybitError, IttybitInputError, IttybitSourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_MAGIC = frozenset("*?[")


def expand(source: object) -> list[object] | None:
    """Find the files that a source means.

    :param source: a list, as an upstream task may return it, or a pattern with ``*``, ``**``, ``?`` or ``[…]`` of this
        worker's file system or of an object store. A path that exists as it stands is no pattern.
    :return: the files in order; ``None`` for a single source.
    :raises IttybitInputError: an empty list.
    :raises IttybitSourceNotFoundError: no file matches the pattern.
    """
    if isinstance(source, str):
        return _matches(source) if _is_pattern(source) else None
    if isinstance(source, Mapping | bytes | os.PathLike) or hasattr(source, "protocol"):
        return None
    if not isinstance(source, Iterable):
        return None
    found = list(source)
    if not found:
        message = "The list of what should be uploaded is empty: check the upstream task, or skip this one."
        raise IttybitInputError(message)
    return found


def side_by_side(
    items: Sequence[T], action: Callable[[T], dict[str, object]], parallel: int
) -> tuple[list[dict[str, object] | None], dict[int, IttybitError]]:
    """Do something with each item, a few at a time.

    :return: the results, ``None`` where it failed, and the errors by position.
    """
    if isinstance(parallel, bool) or not isinstance(parallel, int) or parallel < 1:
        message = f"parallel_uploads={parallel!r} is no number of uploads: give 1 or more."
        raise IttybitInputError(message)
    errors: dict[int, IttybitError] = {}

    def one(position: int) -> dict[str, object] | None:
        try:
            return action(items[position])
        except IttybitError as error:
            errors[position] = error
            return None

    with ThreadPoolExecutor(min(parallel, len(items)), thread_name_prefix="ittybit-upload") as pool:
        results = list(pool.map(one, range(len(items))))
    return results, dict(sorted(errors.items()))


def _is_pattern(text: str) -> bool:
    scheme, separator, path = text.partition("://")
    if not separator:
        return bool(_MAGIC & set(text)) and not Path(text).expanduser().exists()
    return scheme.lower() not in ("http", "https") and bool(_MAGIC & set(path))


def _matches(pattern: str) -> list[object]:
    found: list[object]
    if "://" in pattern:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        scheme, _, path = pattern.partition("://")
        files = ObjectStoragePath(f"{scheme}://{path.split('/', 1)[0]}").fs
        found = [f"{scheme}://{name.lstrip('/') if scheme != 'file' else name}" for name in sorted(files.glob(path))]
        found = [name for name in found if not files.isdir(str(name).partition("://")[2])]
    else:
        names = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 - takes absolute ones
        found = [name for name in names if Path(name).is_file()]
    if not found:
        message = f"No file matches {pattern!r} on this worker: check the pattern, and that the files are there."
        raise IttybitSourceNotFoundError(message)
    return found
