"""Forms: what a multipart or form-encoded body says, its file going straight to disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from python_multipart import MultipartParser  # the package parses; starlette would spool the file a second time
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from airflow_provider_ittybit.emulator.blobs import Sink, TooLargeError
from airflow_provider_ittybit.emulator.exchange import Exchange, bad_request
from airflow_provider_ittybit.emulator.library import Received
from airflow_provider_ittybit.emulator.receiving import (
    incoming_path,
    refuse_if_announced_too_large,
    too_large,
)

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

    from airflow_provider_ittybit.emulator.service import Service

#: A field that is no file may have so many bytes.
MAX_FIELD_BYTES = 64 * 1024


@dataclass(slots=True)
class Form:
    """What a form says; ``filename`` is the name of its file."""

    fields: dict[str, str] = field(default_factory=dict)
    file: Received | None = None
    filename: str | None = None


async def receive_form(exchange: Exchange) -> Form:
    """Read the form in the body; the part ``file`` is streamed to disk.

    :raises ApiError: 400 for what is no form, 413 for a file that is too large.
    """
    refuse_if_announced_too_large(exchange)
    kind, options = parse_options_header(exchange.request.headers.get("content-type", ""))
    if kind == b"application/x-www-form-urlencoded":
        body = (await exchange.small_body()).decode("utf-8", "replace")
        return Form({name: values[-1] for name, values in parse_qs(body).items()})
    if kind != b"multipart/form-data" or b"boundary" not in options:
        message = "The body must be multipart/form-data with the field file or url."
        raise bad_request(message)
    parts = _Parts(exchange.service)
    complete = False
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())
        async for piece in exchange.request.stream():
            parser.write(piece)
        parser.finalize()
        complete = parts.ended
    except TooLargeError:
        raise too_large() from None
    except MultipartParseError as error:
        message = f"The multipart body cannot be read: {error}"
        raise bad_request(message) from error
    finally:
        if not complete:
            parts.abandon()
    if not complete:
        message = "The multipart body ends before its last boundary."
        raise bad_request(message)
    return parts.form


class _Parts:
    """Puts the parts of one multipart body where they belong, as the parser comes upon them."""

    def __init__(self, service: Service) -> None:
        self.form = Form()
        self.ended = False
        self._service = service
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name = ""
        self._field = bytearray()
        self._sink: Sink | None = None

    def callbacks(self) -> MultipartCallbacks:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": lambda data, start, end: self._take(data[start:end]),
            "on_part_end": self._close,
            "on_end": self._end,
        }

    def abandon(self) -> None:
        """Remove what arrived of the file."""
        if self._sink is not None:
            self._sink.close()
            if self._sink.path is not None:
                self._service.blobs.discard(self._sink.path)

    def _begin(self) -> None:
        self._disposition = b""
        self._field.clear()

    def _end_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            if self._sink is not None:
                message = "The form has more than one file."
                raise bad_request(message)
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.form.filename = name or None
            self._sink = Sink(incoming_path(self._service), limit=self._service.settings.max_upload_bytes)

    def _take(self, data: bytes) -> None:
        if self._name == "file" and self._sink is not None:
            self._sink.write(data)
            return
        self._field.extend(data)
        if len(self._field) > MAX_FIELD_BYTES:
            raise TooLargeError

    def _close(self) -> None:
        if self._name == "file" and self._sink is not None:
            self.form.file = Received(self._sink.path, self._sink.size, self._sink.close())
        else:
            self.form.fields[self._name] = self._field.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True
