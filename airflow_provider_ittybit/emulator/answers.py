"""The bodies of each generation: one resource, a list, and an error.

Source: ittybit's published documentation. What it leaves open is decided here:

- ``X-Request-Id`` on every answer is an assumption; only the envelope's ``request_id`` is published.
- The paging of the generation ``media`` has no published form: here it has that of the later envelope.
- Kinds of error exist for the statuses of ``_KINDS`` that are published for the kinded generations; for 403, 404 of
  an unknown path, 405, 413, 429 and 503 the kind is made up after the same manner.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.exchange import ApiError, Exchange

_KINDS = {
    400: "request_invalid",
    401: "token_invalid",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    429: "rate_limited",
    500: "internal_error",
    503: "service_unavailable",
}

#: The path of the API under which a resource is found that was made on another port.
_HOMES = {"uploads": "/media", "delivery": "/files"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list by number, of ``total`` resources."""

    number: int
    limit: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are; 0 for an empty list."""
        return -(-self.total // self.limit)

    @property
    def offset(self) -> int:
        """How many resources stand on the pages before."""
        return (self.number - 1) * self.limit


def one(
    exchange: Exchange, resource: dict[str, Any], status: int = HTTPStatus.OK, *, enveloped: bool | None = None
) -> JSONResponse:
    """Answer with one resource.

    :param enveloped: whether to wrap it; by default the generation decides.
    """
    if enveloped is None:
        enveloped = _is_enveloped(exchange)
    if not enveloped:
        return JSONResponse(resource, status)
    return JSONResponse(_envelope(exchange, "object", resource, _links(exchange, resource)), status)


def told(exchange: Exchange, message: str, status: int) -> JSONResponse:
    """Answer with a message, as a deletion does: its envelope has the link ``parent`` only."""
    if not _is_enveloped(exchange):
        return JSONResponse({"message": message}, status)
    body = _envelope(exchange, "object", {"message": message}, {"parent": _parent(exchange)})
    return JSONResponse(body, status)


def listing(exchange: Exchange, items: list[dict[str, Any]], page: Page) -> JSONResponse:
    """Answer with one page by number, with the ways to the others in the body or in the header ``Links``."""
    links = {
        "self": exchange.url(),
        "first": exchange.url(page=1),
        "prev": exchange.url(page=page.number - 1) if page.number > 1 else None,
        "next": exchange.url(page=page.number + 1) if page.number < page.count else None,
        "last": exchange.url(page=max(page.count, 1)),
    }
    if not _is_enveloped(exchange):
        return JSONResponse(items, headers={"Links": link_header(links)})
    numbers = {"limit": page.limit, "total": page.total, "page": page.number, "pages": page.count}
    return JSONResponse(_envelope(exchange, "list", items, links, **numbers))


def link_header(links: dict[str, str | None]) -> str:
    """Return links as the value of a header; those without a target are left out."""
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)


def refusal(exchange: Exchange, error: ApiError) -> JSONResponse:
    """Answer with an error in the shape of the generation."""
    shape = exchange.generation.shape
    told = {"message": error.message}
    links = {"self": f"{exchange.base}{exchange.path}", "parent": _parent(exchange)}
    body: dict[str, Any] = told
    if shape == "kinded":
        body = {"kind": error.kind or _KINDS.get(error.status, "internal_error"), **told}
    elif shape == "enveloped":
        body = {"meta": _meta(exchange, "error"), "data": None, "error": told, "links": links}
    elif shape == "early":
        body = {"meta": _meta(exchange, "error"), "error": told}
    return JSONResponse(body, error.status, headers=error.headers)


def _is_enveloped(exchange: Exchange) -> bool:
    return exchange.generation.shape in ("early", "enveloped")


def _envelope(exchange: Exchange, kind: str, data: Any, links: dict[str, str | None], **numbers: int) -> dict[str, Any]:
    body = {"meta": {**_meta(exchange, kind), **numbers}, "data": data}
    if exchange.generation.shape == "enveloped":
        body["error"] = None
    return {**body, "links": links}


def _meta(exchange: Exchange, kind: str) -> dict[str, Any]:
    owner = exchange.service.owner
    return {
        "request_id": exchange.request_id,
        "org_id": owner.org_id,
        "project_id": owner.project_id,
        "version": exchange.version,
        "type": kind,
    }


def _links(exchange: Exchange, resource: dict[str, Any]) -> dict[str, str | None]:
    """Return the ways to a resource itself, also where the request that made it had another path, and to its list."""
    if exchange.request.method in ("POST", "PUT") and "id" in resource:
        home = f"{exchange.service.addresses.api}{_HOMES.get(exchange.role, exchange.path)}"
        return {"self": f"{home}/{resource['id']}", "parent": home}
    return {"self": f"{exchange.base}{exchange.path}", "parent": _parent(exchange)}


def _parent(exchange: Exchange) -> str | None:
    parent = exchange.path.rstrip("/").rpartition("/")[0]
    return f"{exchange.base}{parent}" if parent else None
