"""Sends a large file in chunks: several at a time, each again by itself if it fails, and only what is missing."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ittybit.uploads.streaming import FileBody
from airflow_provider_ittybit.uploads.threads import as_done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_ittybit.uploads.chunks import Chunk, Chunking
    from airflow_provider_ittybit.uploads.progress import Progress
    from airflow_provider_ittybit.uploads.sources import FileSource


class _NotSentError(Exception):
    """A chunk that was not sent, because another one failed."""


class SendChunk(Protocol):
    """Sends one chunk and returns the file if the answer held it, ``None`` if more are awaited."""

    def __call__(self, body: FileBody, content_range: str) -> dict[str, Any] | None: ...  # noqa: D102 - said above


def send_chunks(
    source: FileSource,
    chunks: Iterable[Chunk],
    *,
    chunking: Chunking,
    send: SendChunk,
    progress: Progress,
    acknowledged: Callable[[Chunk], None],
    stop: Callable[[], None],
) -> dict[str, Any] | None:
    """Send the given chunks; the last one goes alone, when all before it have arrived.

    So it is known which answer holds the file, and a lost answer to it leaves one question only: did it arrive?

    :param source: the file.
    :param chunks: those that are still missing, in order.
    :param send: sends one; an error that no repetition healed ends the upload.
    :param acknowledged: told of each chunk that arrived, from the calling thread.
    :param stop: ends soon what is under way. It is called when something interrupts the calling thread, as
        ``execution_timeout`` does: Airflow calls ``on_kill`` only afterwards, and until then nobody else would.
    :return: the file, if an answer held it.
    :raises IttybitError: a chunk was refused. Those that had arrived stay with ittybit for the next try.
    """
    *others, last = chunks
    halt = threading.Event()

    def one(chunk: Chunk) -> dict[str, Any] | None:
        if halt.is_set():
            raise _NotSentError
        try:
            body = FileBody(source, start=chunk.start, count=chunk.length, progress=progress)
            return send(body, chunk.content_range(chunking.content_range, source.size))
        except BaseException:
            halt.set()
            raise

    finished: dict[str, Any] | None = None
    if others:
        with ThreadPoolExecutor(chunking.parallel, thread_name_prefix="ittybit-chunk") as pool:
            under_way: dict[Future[dict[str, Any] | None], Chunk] = {}
            try:
                under_way.update((pool.submit(one, chunk), chunk) for chunk in others)
                finished = _gather(under_way, acknowledged)
            except BaseException as error:
                halt.set()
                if not isinstance(error, Exception):
                    stop()
                    with contextlib.suppress(Exception):  # each is interrupted as well, but for what arrives till then
                        _gather(under_way, acknowledged)
                raise
    result = one(last) or finished
    acknowledged(last)
    return result


def _gather(
    under_way: dict[Future[dict[str, Any] | None], Chunk], acknowledged: Callable[[Chunk], None]
) -> dict[str, Any] | None:
    """Wait for all; after a failure only for those under way, so that it is noted which of them arrived."""
    finished: dict[str, Any] | None = None
    failed: BaseException | None = None
    for future in as_done(list(under_way)):
        chunk = under_way.pop(future)
        error = future.exception()
        if error is None:
            finished = future.result() or finished
            acknowledged(chunk)
        elif not isinstance(error, _NotSentError):
            failed = failed or error
    if failed is not None:
        raise failed
    return finished
