"""Whether a request carries the API key.

The generation ``media`` publishes no scheme in the pages at hand; it is ``Bearer`` here, as in all later ones.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.exchange import ApiError

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.exchange import Exchange


def require_key(exchange: Exchange) -> None:
    """Let a request pass that carries the key as ``Authorization: Bearer KEY``; else raise the error for 401."""
    scheme, _, key = exchange.request.headers.get("authorization", "").partition(" ")
    if not scheme:
        message = "No API key was provided. Send it as Authorization: Bearer KEY."
        raise ApiError(HTTPStatus.UNAUTHORIZED, message, "token_missing")
    if scheme.lower() != "bearer" or not exchange.service.has_key(key.strip()):
        message = "The API key that was provided is not valid."
        raise ApiError(HTTPStatus.UNAUTHORIZED, message, "token_invalid")
