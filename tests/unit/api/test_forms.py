"""The framing of a form, read back by another parser."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.api.forms import (
    after,
    before,
    content_type,
    file_header,
    form_text,
    new_boundary,
    quoted,
)
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from email.message import MIMEPart


def parts(content: bytes, kind: str) -> list[MIMEPart]:
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content, policy=policy.HTTP)
    assert message.is_multipart()
    assert not message.defects
    return list(message.iter_parts())


def test_a_form_of_text_fields_is_read_back() -> None:
    form = form_text({"url": "https://example.com/a?b=c", "title": "Ein Bär\r\n--x"})
    first, second = parts(form.content, form.content_type)
    assert first.get_param("name", header="content-disposition") == "url"
    assert first.get_payload() == "https://example.com/a?b=c"
    assert second.get_param("name", header="content-disposition") == "title"
    assert second.get_payload(decode=True) == "Ein Bär\r\n--x".encode()


def test_a_form_knows_its_length_and_opens_more_than_once() -> None:
    form = form_text({"url": "https://example.com/ä"})
    assert form.length == len(form.content)
    assert form.open().read() == form.open().read() == form.content


def test_a_form_shows_no_value() -> None:
    assert "hush" not in repr(form_text({"url": "https://example.com/a?signature=hush"}))


def test_a_file_between_fields_and_end_is_read_back() -> None:
    boundary = new_boundary()
    data = bytes(range(256))
    content = (
        before(boundary, {"title": "x"}) + file_header(boundary, "file", "a.mp4", "video/mp4") + data + after(boundary)
    )
    _, file = parts(content, content_type(boundary))
    assert file.get_filename() == "a.mp4"
    assert file.get_content_type() == "video/mp4"
    assert data in content


@pytest.mark.parametrize("name", ['a"b', "a\r\nX-Evil: 1", 'x"; name="other', "a\nb"])
def test_no_name_can_add_a_header_or_parameter(name: str) -> None:
    head = file_header("b", name, name, "video/mp4").decode()
    assert head.count("\r\n") == head.count("\n") == 4
    assert head.count('"') == 4
    assert quoted(name).replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n") == name


def test_no_mime_type_can_add_a_header() -> None:
    head = file_header("b", "file", "a.mp4", "video/mp4\r\nX-Evil: 1").decode()
    assert "\r\nX-Evil" not in head
    assert head.count("\r\n") == 4


def test_a_name_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(IttybitInputError, match="pass filename"):
        file_header("b", "file", "a\udcff.mp4", "video/mp4")
    with pytest.raises(IttybitInputError):
        form_text({"title": "\ud800"})


def test_boundaries_differ_and_are_tokens() -> None:
    boundaries = {new_boundary() for _ in range(100)}
    assert len(boundaries) == 100
    assert all(len(one) <= 70 and one.replace("-", "").isalnum() for one in boundaries)
