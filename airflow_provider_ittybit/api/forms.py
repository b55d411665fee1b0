"""``multipart/form-data`` framing: what stands before and after the bytes of a file."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ESCAPES = {0x22: "%22", 0x0D: "%0D", 0x0A: "%0A"}
"""How HTML's form submission writes a quote, CR and LF within a quoted name."""


@dataclass(frozen=True, slots=True)
class FormText:
    """A form with text fields only, as a body.

    :param content: the whole form; hidden from ``repr``, because a signed URL may be among its values.
    :param content_type: its Content-Type, which names the boundary.
    """

    content: bytes = field(repr=False)
    content_type: str

    @property
    def length(self) -> int:
        """Bytes in the whole body."""
        return len(self.content)

    def open(self) -> BinaryIO:
        """Return a new reader at the first byte."""
        return io.BytesIO(self.content)


def form_text(fields: Mapping[str, str]) -> FormText:
    """Write a form of text fields."""
    boundary = new_boundary()
    return FormText(before(boundary, fields) + after(boundary)[2:], content_type(boundary))


def new_boundary() -> str:
    """Make a boundary that is in no file, by 128 random bits."""
    return f"ittybit-{secrets.token_hex(16)}"


def content_type(boundary: str) -> str:
    """Write the Content-Type of a form."""
    return f"multipart/form-data; boundary={boundary}"


def before(boundary: str, fields: Mapping[str, str]) -> bytes:
    """Write the text fields of a form, up to where a file or the end follows."""
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted(name)}"\r\n\r\n{value}\r\n')
    return _bytes("".join(parts))


def file_header(boundary: str, name: str, filename: str, mime_type: str) -> bytes:
    """Write what stands before the bytes of a file field."""
    disposition = f'form-data; name="{quoted(name)}"; filename="{quoted(filename)}"'
    kind = " ".join(mime_type.split())  # no line break of a MIME type may begin another header
    return _bytes(f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n")


def after(boundary: str) -> bytes:
    """Write what stands after the bytes of the last field."""
    return f"\r\n--{boundary}--\r\n".encode()


def quoted(name: str) -> str:
    """Escape a name for a quoted parameter, so that no name can add a header."""
    return name.translate(_ESCAPES)


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        message = "A name or value of the upload form is no Unicode text; if it is the file's name, pass filename."
    raise IttybitInputError(message)  # out here it has no context, which would hold the whole form
