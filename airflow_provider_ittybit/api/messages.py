"""The two messages of the protocol, and a call: a request with the function that reads its answer."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, ValuesView

T_co = TypeVar("T_co", covariant=True)


class Origin(enum.Enum):
    """Which of ittybit's hosts a request is for; only the first two ever see the API key."""

    API = "api"
    UPLOADS = "uploads"
    DELIVERY = "delivery"
    SIGNED = "signed"


class Body(Protocol):
    """Bytes to send: their number is known, and they can be read from the start more than once."""

    @property
    def length(self) -> int:
        """Bytes in the whole body."""

    @property
    def content_type(self) -> str:
        """The Content-Type to send."""

    def open(self) -> BinaryIO:
        """Return a new reader at the first byte."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, not yet bound to a connection.

    :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: absolute path, each segment already percent-encoded; for ``Origin.SIGNED`` the whole URL.
    :param origin: the host it goes to.
    :param query: names and values in order, not yet encoded.
    :param json: what goes out as a UTF-8 JSON body, or ``None`` for no such body.
    :param body: bytes to stream instead of ``json``.
    :param headers: more headers; ``Authorization`` and the version header are added when it is sent.
    :param repeatable: whether sending it twice does the same as once, whatever its method says.
    :param idempotency_key: makes a ``POST`` safe to send again, where the generation knows such keys.
    :param resource_id: id of the one resource it is about, for errors; nothing of it is sent.
    :param traces: what a person would find at ittybit if it was carried out, for errors; nothing of it is sent.
    """

    method: str
    path: str
    origin: Origin = Origin.API
    query: tuple[tuple[str, str], ...] = ()
    json: Any = None
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    repeatable: bool = False
    resource_id: str | None = None
    traces: str | None = field(default=None, compare=False)

    @property
    def public_path(self) -> str:
        """The path without host and query: what may stand in a log or an error."""
        path = self.path.split("?", 1)[0]
        if self.origin is Origin.SIGNED and "://" in path:
            return "/" + path.split("://", 1)[1].partition("/")[2]
        return path

    def __repr__(self) -> str:
        return f"Request({self.method} {self.origin.value}:{self.public_path})"


class Headers(Mapping[str, str]):
    """Response headers; names compare without case, repeated ones are joined by a comma."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: dict[str, str] = {}
        for name, value in items:
            key = name.lower()
            self._items[key] = f"{self._items[key]}, {value}" if key in self._items else value

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Any:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def values(self) -> ValuesView[str]:
        """Return the values, without a look-up for each: they are gone through at every answer."""
        return self._items.values()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, wholly read. ``repr`` shows neither headers nor body: a signed URL may be in either.

    :param status: HTTP status.
    :param headers: its headers.
    :param content: its body, decompressed.
    """

    status: int
    headers: Headers = field(default_factory=Headers, repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """A request and the way to read its answer.

    :param request: what to send.
    :param read: turns the answer into the result, or raises an ``IttybitError``.
    """

    request: Request
    read: Callable[[Request, Response], T_co]
