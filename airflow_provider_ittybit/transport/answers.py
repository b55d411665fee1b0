"""Reads the bodies of answers, up to a size: no server may fill the memory of a worker or a triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.exceptions import IttybitUnreadableAnswerError

if TYPE_CHECKING:
    import aiohttp
    import requests

    from airflow_provider_ittybit.api.messages import Request

MOST = 64 * 1024 * 1024
"""Bytes of an answer, decompressed. The largest page of a list has 250 items, so each may have 256 KiB."""
PIECE = 64 * 1024


def read_whole(request: Request, answer: requests.Response) -> bytes:
    """Read the body of an answer of ``requests``.

    :raises IttybitUnreadableAnswerError: it has more than 64 MiB, however few its compressed bytes are.
    """
    body = bytearray()
    for piece in answer.iter_content(PIECE):
        body += piece
        if len(body) > MOST:
            answer.close()
            raise _too_long(request, answer.status_code)
    return bytes(body)


async def aread_whole(request: Request, answer: aiohttp.ClientResponse) -> bytes:
    """Read the body of an answer of ``aiohttp``.

    :raises IttybitUnreadableAnswerError: it has more than 64 MiB, however few its compressed bytes are.
    """
    body = bytearray()
    async for piece in answer.content.iter_chunked(PIECE):
        body += piece
        if len(body) > MOST:
            answer.close()
            raise _too_long(request, answer.status)
    return bytes(body)


def _too_long(request: Request, status: int) -> IttybitUnreadableAnswerError:
    message = (
        f"ittybit answered {request.method} {request.public_path} with {status} and more than {MOST // 2**20} MiB, "
        "which no answer of its API has. Check that host of the connection is the ittybit API; for a list, lower limit."
    )
    return IttybitUnreadableAnswerError(
        message, status=status, method=request.method, path=request.public_path, resource_id=request.resource_id
    )
