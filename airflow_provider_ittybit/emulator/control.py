"""The control endpoint under ``/_emulator/``: what a test or a person says to the emulator itself.

It is on the api port only, needs no key, speaks JSON and is not in the ledger.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from airflow_provider_ittybit.emulator.faultfields import InvalidFaultError
from airflow_provider_ittybit.emulator.faults import Fault
from airflow_provider_ittybit.emulator.json_bodies import UnreadableBodyError, object_in
from airflow_provider_ittybit.emulator.records import File
from airflow_provider_ittybit.emulator.rendering import FILE_STATUS
from airflow_provider_ittybit.emulator.settings import InvalidSettingError
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from airflow_provider_ittybit.emulator.service import Service

PREFIX = "/_emulator/"

#: Seconds that ``settle`` waits unless it is told otherwise.
SETTLE_TIMEOUT = 30.0

#: Seconds that ``settle`` waits at most: more is a mistake, and would keep the server from stopping.
LONGEST_SETTLE = 3600.0


class InvalidControlError(ValueError):
    """A value that an action does not take."""


async def answer(service: Service, request: Request) -> JSONResponse:
    """Answer one request to the control endpoint; what cannot be is answered 400 with ``{message}``."""
    name = request.scope["path"].removeprefix(PREFIX)
    action = ACTIONS.get((request.method, name))
    if action is None:
        known = any(other == name for _, other in ACTIONS)
        status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
        return JSONResponse({"message": f"There is no {request.method} {PREFIX}{name}."}, status)
    try:
        return await action(service, request, object_in(await request.body()))
    except (UnreadableBodyError, InvalidControlError, InvalidSettingError, InvalidFaultError) as error:
        return JSONResponse({"message": str(error)}, HTTPStatus.BAD_REQUEST)


Body = dict[str, Any]


async def _health(service: Service, _request: Request, _body: Body) -> JSONResponse:
    return JSONResponse({"status": "ok", **asdict(service.addresses)})


async def _reset(service: Service, _request: Request, _body: Body) -> JSONResponse:
    service.forget_what_is_under_way()
    await asyncio.to_thread(service.reset)
    return JSONResponse({"reset": True})


async def _settings(service: Service, _request: Request, body: Body) -> JSONResponse:
    service.settings = service.settings.changed(body)
    if "rate_limit" in body:
        service.gate.clear()
    service.workers.wake()
    return JSONResponse(asdict(service.settings))


async def _requests(service: Service, request: Request, _body: Body) -> JSONResponse:
    query = request.query_params
    return JSONResponse(service.ledger.to_json(query.get("method"), query.get("path")))


async def _forget_requests(service: Service, _request: Request, _body: Body) -> JSONResponse:
    service.ledger.clear()
    return JSONResponse([])


async def _files(service: Service, _request: Request, _body: Body) -> JSONResponse:
    files = service.store.select(File, Query(descending=False, with_deleted=True))
    return JSONResponse(
        [
            {
                "id": file.id,
                "media_id": file.media_id,
                "filename": file.filename,
                "folder": file.folder,
                "size": file.filesize,
                "sha256": file.sha256 or None,
                "deleted": file.deleted,
                "status": FILE_STATUS.get(file.status, "processing"),
                "ref": file.ref,
                "kind": file.kind,
                "width": (file.facts or {}).get("width"),
            }
            for file in files
        ]
    )


async def _release(service: Service, _request: Request, body: Body) -> JSONResponse:
    resource_id = body.get("id")
    if resource_id is not None and not isinstance(resource_id, str):
        message = "The field id must be a string."
        raise InvalidControlError(message)
    service.workers.release(resource_id)
    return JSONResponse({"held": service.workers.held_count})


async def _settle(service: Service, _request: Request, body: Body) -> JSONResponse:
    timeout = body.get("timeout", SETTLE_TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= LONGEST_SETTLE:
        message = f"The field timeout must be seconds from 0 to {LONGEST_SETTLE:.0f}."
        raise InvalidControlError(message)
    settled = await asyncio.to_thread(service.workers.settle, timeout)
    status = HTTPStatus.OK if settled else HTTPStatus.GATEWAY_TIMEOUT
    return JSONResponse({"settled": settled, "held": service.workers.held_count}, status)


async def _add_fault(service: Service, _request: Request, body: Body) -> JSONResponse:
    service.faults.add(Fault.from_json(body))
    return JSONResponse(service.faults.to_json(), HTTPStatus.CREATED)


async def _faults(service: Service, _request: Request, _body: Body) -> JSONResponse:
    return JSONResponse(service.faults.to_json())


async def _clear_faults(service: Service, _request: Request, _body: Body) -> JSONResponse:
    service.faults.clear()
    return JSONResponse([])


ACTIONS: dict[tuple[str, str], Callable[[Service, Request, Body], Awaitable[JSONResponse]]] = {
    ("GET", "health"): _health,
    ("POST", "reset"): _reset,
    ("GET", "settings"): _settings,
    ("PATCH", "settings"): _settings,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "files"): _files,
    ("POST", "release"): _release,
    ("POST", "settle"): _settle,
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
}
