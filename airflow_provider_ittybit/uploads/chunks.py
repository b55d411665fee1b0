"""How a large file is cut into chunks, and how a chunk says which bytes it holds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_ittybit.exceptions import IttybitInputError

MIB = 1024 * 1024
LAST = MIB
"""About the size of the last chunk. It is sent alone, when all others have arrived, so it is kept small."""
MOST_CHUNKS = 10_000
"""Beyond this many, chunks get larger than asked for (from 156 GiB on, with the default size)."""

_FORM = re.compile(r"(?:[^{}]|\{(?:start|end|stop|total)\})*")


@dataclass(frozen=True, slots=True)
class Chunking:
    """Settings of chunked uploads (files generations).

    The reference leaves several points open; the defaults are the forms of its samples, and each can be set.

    :param threshold: bytes from which a file is sent in chunks; 100 MiB, as one page of the reference recommends
        (another says 4 GB).
    :param size: bytes of a chunk at most; 16 MiB, as in its samples. No limits are published.
    :param exact: whether all chunks but the last have just this size. By default they may be somewhat smaller, so
        that none of those under way together runs dry near the end.
    :param parallel: chunks under way at the same time, 4; with 1 they go one by one, in their order.
    :param content_range: form of the ``Content-Range`` header. The samples write an equals sign where the HTTP
        standard has a space; ``bytes {start}-{end}/{total}`` gives the standard form. ``end`` is the last byte of
        the chunk, ``stop`` the one after it, with which the first of the samples ends.
    :param accepted: status of the answer that means that more chunks are awaited, 202.
    :param resend: whether a chunk goes again that got no answer, or 408 or 5xx.
    :param resume: whether a retry leaves out what an earlier try sent. For how long ittybit keeps it is not published;
        if it does not any more, all goes again anyway.
    :param signature: more fields to ask for the signed URL with; ``{"resumable": True}`` was seen in code of others.
    """

    threshold: int = 100 * MIB
    size: int = 16 * MIB
    exact: bool = False
    parallel: int = 4
    content_range: str = "bytes={start}-{end}/{total}"
    accepted: int = 202
    resend: bool = True
    resume: bool = True
    signature: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (("threshold", 1), ("size", 1), ("parallel", 1), ("accepted", 200)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                message = f"The chunking setting {name}={value!r} is not a whole number of at least {low}."
                raise IttybitInputError(message)
        for name in ("exact", "resend", "resume"):
            if not isinstance(getattr(self, name), bool):
                message = f"The chunking setting {name}={getattr(self, name)!r} is neither True nor False."
                raise IttybitInputError(message)
        if not isinstance(self.signature, Mapping):
            message = f"The chunking setting signature={self.signature!r} is no mapping of field names to values."
            raise IttybitInputError(message)
        form = self.content_range if isinstance(self.content_range, str) and _FORM.fullmatch(self.content_range) else ""
        names = sorted(re.findall(r"\{(\w+)\}", form))
        if names not in (["end", "start", "total"], ["start", "stop", "total"]) or not form.isprintable():
            message = (
                f"The chunking setting content_range={self.content_range!r} must hold {{start}}, {{end}} (or {{stop}}) "
                "and {total}."
            )
            raise IttybitInputError(message)


def as_chunking(value: Chunking | Mapping[str, Any] | None) -> Chunking:
    """Read settings that a user gave.

    :param value: a :class:`Chunking`, its fields as a mapping, or ``None`` for the defaults.
    :raises IttybitInputError: a name or value that is none.
    """
    if isinstance(value, Chunking):
        return value
    given = dict(value or {})
    known = [one.name for one in fields(Chunking)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        message = f"There is no chunking setting {', '.join(map(str, unknown))}; there are {', '.join(known)}."
        raise IttybitInputError(message)
    return Chunking(**given)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive bytes of a file.

    :param index: its number, from 0.
    :param start: its first byte.
    :param length: how many bytes it has.
    """

    index: int
    start: int
    length: int

    def content_range(self, form: str, total: int) -> str:
        """Write the ``Content-Range`` header."""
        stop = self.start + self.length
        return form.format(start=self.start, end=stop - 1, stop=stop, total=total)


def cut(total: int, chunking: Chunking) -> list[Chunk]:
    """Cut a file into chunks.

    All but the last have one size, and their number is a multiple of those under way together, so that none of
    these runs dry near the end. The last holds the rest, about 1 MiB: it goes alone, and only its answer holds
    the file. With ``exact``, all but the last have the size that is set.

    :param total: bytes of the file, at least 1.
    :param chunking: the settings.
    """
    if chunking.exact:
        size = max(chunking.size, math.ceil(total / MOST_CHUNKS))
        starts = range(0, total, size)
        return [Chunk(index, start, min(size, total - start)) for index, start in enumerate(starts)]
    body = max(total - LAST, total // 2)
    rounds = max(1, math.ceil(body / (chunking.size * chunking.parallel)))
    most = max(1, MOST_CHUNKS // chunking.parallel) * chunking.parallel
    wanted = min(rounds * chunking.parallel, most)
    size = body // wanted
    if size < 1:
        return [Chunk(0, 0, total)]
    chunks = [Chunk(index, index * size, size) for index in range(wanted)]
    return [*chunks, Chunk(wanted, wanted * size, total - wanted * size)]
