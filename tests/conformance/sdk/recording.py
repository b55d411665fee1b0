"""Calls of the SDK that is installed here, and what its typed models read, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import httpx
import pydantic
from ittybit import Ittybit
from ittybit.core.api_error import ApiError
from ittybit.core.pydantic_utilities import parse_obj_as

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDED = ("ready", "completed", "failed")
MOST_POLLS = 10


class Recorder:
    """Makes calls with the SDK and keeps what came back, by name, in ``notes``.

    :param emulator_url: the address of the emulator's API.
    :param version: what to give the SDK as its argument ``version``; None gives nothing.
    :param media_url: the address under which clip.mp4, still.png and tone.mp3 can be fetched.
    :param media_folder: where the same three are on this disk.
    """

    def __init__(
        self, emulator_url: str, api_key: str, *, version: str | None, media_url: str, media_folder: Path
    ) -> None:
        self.media_url, self.media_folder = media_url, media_folder
        self.notes: dict[str, Any] = {}
        self._emulator_url, self._api_key, self._version = emulator_url, api_key, version
        self._last: httpx.Response
        # The environment may name a proxy, which must not see a call to the loopback address.
        self._http = httpx.Client(timeout=60, trust_env=False, event_hooks={"response": [self._keep]})
        self.api = self._client(api_key)
        self.api_with_wrong_key = self._client("not-the-key")

    def note(self, name: str, call: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """Make a call and keep what the model read; return the resource, or the list of them.

        :raises ValueError: when the body is not what the SDK's model declares.
        """
        answer = call(*args, **fields)
        _require_declared(answer, self._last.json())
        is_enveloped = isinstance(answer, pydantic.BaseModel) and "links" in type(answer).model_fields
        data = answer.data if is_enveloped else answer
        self.notes[name] = {
            "http": self._last.status_code,
            "data": _shown(data),
            "meta": _shown(answer.meta) if is_enveloped else None,
            "error": _shown(answer.error) if is_enveloped else None,
            "links": _shown(answer.links) if is_enveloped else None,
        }
        return data

    def follow(self, name: str, get: Callable[[str], Any], resource_id: str) -> Any:
        """Read a resource until it has ended; keep the last reading and the statuses of all."""
        statuses: list[str] = []
        while not statuses or statuses[-1] not in ENDED:
            if len(statuses) == MOST_POLLS:
                message = f"{name} has not ended: {statuses}"
                raise ValueError(message)
            resource = self.note(name, get, resource_id)
            statuses.append(resource.status)
        self.notes[name]["statuses"] = statuses
        return resource

    def refused(self, name: str, call: Callable[..., Any], *args: Any, **fields: Any) -> None:
        """Make a call that must be refused; keep the status code and the body of the SDK's error."""
        try:
            call(*args, **fields)
        except ApiError as error:
            self.notes[name] = {"http": error.status_code, "body": error.body}
        else:
            message = f"{name} was not refused"
            raise ValueError(message)

    def put(self, url: str, content: bytes) -> int:
        """Send bytes to a URL without the SDK, which cannot upload, and without the key; return the status code."""
        return self._http.put(url, content=content).status_code

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL, asked for without the key."""
        return self._http.get(url).raise_for_status().content

    def empty_emulator(self) -> None:
        """Have the emulator forget everything, what was asked of it too."""
        self._http.post(f"{self._emulator_url}/_emulator/reset").raise_for_status()

    def requests(self) -> list[dict[str, Any]]:
        """Return what the emulator was asked since it was empty."""
        return list(self._http.get(f"{self._emulator_url}/_emulator/requests").raise_for_status().json())

    def _client(self, api_key: str) -> Ittybit:
        # The SDKs send `version` as the header ACCEPT_VERSION, with underscores. Whether the real service honours
        # that header is unknown; the emulator does, when no other version header is there. 1.0.0 needs none: its
        # calls carry Accept-Version.
        return Ittybit(base_url=self._emulator_url, api_key=api_key, version=self._version, httpx_client=self._http)

    def _keep(self, response: httpx.Response) -> None:
        response.read()
        self._last = response


def _require_declared(answer: Any, body: Any) -> None:
    """Hold a body against the model that read it, because the SDK itself checks nothing."""
    answers, bodies = (answer, body) if isinstance(answer, list) else ([answer], [body])
    for model, raw in zip(answers, bodies, strict=True):
        if not isinstance(model, pydantic.BaseModel):
            message = f"The SDK read no model, but {type(model).__name__}: {raw}"
            raise TypeError(message)
        parse_obj_as(type(model), raw)


def _shown(value: Any) -> Any:
    """Return what a typed value holds as JSON: of a model the declared fields only, read as attributes."""
    if isinstance(value, pydantic.BaseModel):
        for name, field in type(value).model_fields.items():
            words, word = _words(field.annotation), getattr(value, name)
            if words and word is not None and word not in words:
                message = f"{type(value).__name__}.{name} is {word!r}, which is none of {sorted(words)}"
                raise ValueError(message)
        return {name: _shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _words(annotation: Any) -> frozenset[str]:
    """Return the words that a field may be, which the SDK declares beside ``Any``; none for other fields."""
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    return frozenset().union(*(_words(part) for part in get_args(annotation)))
