"""What the emulator tells of itself on its api port, beside the API: OpenAPI documents and a page for a person."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse

from airflow_provider_ittybit.emulator import control
from airflow_provider_ittybit.emulator.describing.controls import control_document
from airflow_provider_ittybit.emulator.describing.document import document
from airflow_provider_ittybit.emulator.page.markup import fragment, whole_page
from airflow_provider_ittybit.emulator.page.overview import overview
from airflow_provider_ittybit.emulator.page.thumbnails import thumbnail
from airflow_provider_ittybit.emulator.routing import routes_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.exchange import Exchange
    from airflow_provider_ittybit.emulator.service import Service

DOCUMENT = "/openapi.json"
CONTROL = "control"
SURFACES = ("api", "uploads", "delivery", CONTROL)

PAGE = "/"
FRAGMENT = f"{control.PREFIX}page.html"
THUMBNAILS = f"{control.PREFIX}thumbnails/"
PARTS = {f"{control.PREFIX}page.css": "text/css", f"{control.PREFIX}page.js": "text/javascript"}
LOCAL = frozenset(["127.0.0.1", "localhost", "::1"])
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_FOLDER = Path(__file__).parent / "page"


def is_document(request: Request) -> bool:
    """Tell whether a request to the api port asks for an OpenAPI document; it needs no key."""
    return request.method == "GET" and request.scope["path"] == DOCUMENT


def is_page(request: Request) -> bool:
    """Tell whether a request to the api port asks for the page or a part of it, as a browser does; it needs no key.

    ``/`` is the page only for who accepts HTML by name: a client of the API is answered as on any other path.
    """
    path = request.scope["path"]
    if request.method != "GET":
        return False
    if path == PAGE:
        return "text/html" in request.headers.get("accept", "")
    return path in PARTS or path == FRAGMENT or path.startswith(THUMBNAILS)


def describe(exchange: Exchange) -> Response:
    """Answer ``GET /openapi.json?surface=…``: the document of a port (default ``api``), or of ``control``.

    The generation is that which any other request with the same headers would get.
    """
    surface = exchange.choice("surface", SURFACES, "api") or "api"
    addresses = exchange.service.addresses
    if surface == CONTROL:
        return JSONResponse(control_document(addresses.api, control.PREFIX, control.ACTIONS))
    routes = routes_of(exchange.generation)
    return JSONResponse(document(exchange.generation, surface, getattr(addresses, surface), routes))


async def show(service: Service, request: Request) -> Response:
    """Answer with the page or a part of it.

    Media is private, and a page of another site must not read it: so it is shown under a name of this machine only, and
    nothing of it may be embedded elsewhere.
    """
    if urlsplit(f"//{request.headers.get('host', '')}").hostname not in LOCAL:
        return PlainTextResponse("This page is for 127.0.0.1 and localhost only.", HTTPStatus.MISDIRECTED_REQUEST, SAFE)
    path = request.scope["path"]
    if path in PARTS:
        part = _FOLDER / path.rpartition("/")[2]
        return FileResponse(part, media_type=PARTS[path], headers={**SAFE, "Cache-Control": "no-cache"})
    if path.startswith(THUMBNAILS):
        return await _picture(service, path.removeprefix(THUMBNAILS))
    headers = {**SAFE, "Cache-Control": "no-store"}
    seen = await asyncio.to_thread(overview, service)
    if path == FRAGMENT:
        return HTMLResponse(fragment(seen, control.PREFIX), headers=headers)
    return HTMLResponse(whole_page(service, seen, control.PREFIX), headers=headers)


async def _picture(service: Service, file_id: str) -> Response:
    picture = await asyncio.to_thread(thumbnail, service, file_id)
    if picture is None:
        return PlainTextResponse("There is no thumbnail.", HTTPStatus.NOT_FOUND, SAFE)
    headers = {**SAFE, "Cache-Control": "private, max-age=3600"}
    return FileResponse(picture, media_type="image/jpeg", headers=headers)
