"""Answers of every generation: the resource, the confirmation, the list, whatever is around them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api.decoding import (
    DEEPEST,
    open_answer,
    read_anything,
    read_confirmation,
    read_page,
    read_resource,
)
from airflow_provider_ittybit.api.messages import Headers, Request, Response
from airflow_provider_ittybit.exceptions import IttybitError, IttybitNotFoundError, IttybitUnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

GET = Request("GET", "/files/file_abcdefgh1234")
LIST = Request("GET", "/files")
DELETE = Request("DELETE", "/files/file_abcdefgh1234")


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, Headers(headers.items()), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resources/image_2021", {"id": "img_1", "status": "Complete"}),
        ("resources/video_2021", {"id": "vid_1", "status": "Uploading"}),
        ("resources/media_first_generation", {"id": "1f6b2c", "kind": "video"}),
        ("resources/media_2024_03_21", {"id": "med_2024_03", "duration": 12.5}),
        ("resources/media_2024_08_21", {"id": "med_2024_08", "status": "ready"}),
        ("resources/upload_session_2024", {"url": "https://you.example/store/single?key=made_up"}),
        (
            "resources/automation_2024",
            {"trigger": {"event": "media.created", "conditions": [{"prop": "kind", "value": "video"}]}},
        ),
        ("resources/automation_early_2025", {"id": "auto_1", "status": "draft"}),
        ("resources/automation_2025_08_20", {"id": "auto_1", "status": "paused"}),
        ("resources/automation_late_2025", {"id": "aut_1", "tasks": [{"kind": "video"}]}),
        ("resources/file_2025_01_01", {"id": "file_abcdefgh1234", "metadata": {"customKey": "a value"}}),
        ("resources/file_2025_08_20", {"id": "file_abcdefgh1234", "object": "source"}),
        ("resources/file_that_is_a_track", {"object": "track", "kind": "subtitles", "language": "en"}),
        ("resources/file_that_is_intelligence", {"object": "intelligence", "kind": "description"}),
        ("resources/media_2025_08_20_empty", {"id": "med_new", "files": [], "kind": None}),
        ("resources/tasks_config", {"image": {"options": {}}}),
        ("resources/signature_2025_01_01", {"method": "put", "domain": "you.ittybit.net", "signature": "c2lnbmVk"}),
        ("resources/signature_2025_08_20", {"method": "put", "expiry": 1735689600, "signature": "c2lnbmVk"}),
        ("resources/event_task_succeeded", {"id": "evt_1", "kind": "task.succeeded"}),
        ("resources/webhook_endpoint", {"id": "we_1", "topics": ["run.failed"]}),
        ("resources/connection_flat", {"id": "conn_1", "created_at": 1764547200}),
        ("resources/connection_in_data", {"id": "con_1", "created_at": "2025-12-01T00:00:00Z"}),
        ("resources/key", {"id": "key_1", "name": "Production"}),
        ("resources/upload_answer_enveloped", {"id": "file_up"}),
        ("resources/upload_answer_flat_with_malformed_time", {"id": "file_up", "version": "2024-01-01"}),
        ("resources/step_of_staging", {"id": "step_1", "kind": "ingest"}),
        ("uploads/last_chunk_with_the_file", {"id": "file_chunks", "status": "ready"}),
    ],
)
def test_a_resource_comes_without_its_envelope(
    recorded: Callable[[str], Response], name: str, expected: dict[str, Any]
) -> None:
    resource = read_resource(GET, recorded(name))
    assert {key: resource[key] for key in expected} == expected
    assert not {"meta", "links", "pagination"} & set(resource)


def test_an_event_keeps_its_data_because_a_resource_is_no_envelope(recorded: Callable[[str], Response]) -> None:
    event = read_resource(GET, recorded("resources/event_task_succeeded"))
    assert event["data"]["id"] == "task_1"
    assert event["created_at"] == 1764547200


def test_a_failed_task_is_a_resource_and_no_error_answer(recorded: Callable[[str], Response]) -> None:
    task = read_resource(GET, recorded("resources/task_2025_08_20_failed"))
    assert task["error"] == "The input has no video stream"


@pytest.mark.parametrize(
    ("name", "ids", "counts"),
    [
        ("lists/2021_images", ["img_1", "img_2"], (None, None, None)),
        ("lists/media_generation_page_1", ["1f6b2c", "9d0e3a"], (None, None, None)),
        ("lists/2024_03_21_page_1_of_2", ["med_a", "med_b"], (1, 2, 14)),
        ("lists/2024_08_21_page_1_of_2", ["med_c"], (1, 2, 14)),
        ("lists/early_2025_page_1_of_2_relative_links", ["file_early"], (1, 2, 21)),
        ("lists/alpha_files_with_pagination", ["file_alpha"], (1, 3, 3)),
        ("lists/alpha_media_with_short_meta", ["med_alpha"], (None, None, None)),
        ("lists/2025_01_01_page_1_of_5", ["file_abcdefgh1234", "file_abcdefgh5678"], (1, 5, 100)),
        ("lists/2025_01_01_page_2_of_3", ["file_p2a", "file_p2b"], (2, 3, 5)),
        ("lists/2025_01_01_no_results", [], (1, 0, 0)),
        ("lists/2025_01_01_tasks_without_error_key", ["task_a", "task_b"], (1, 2, 3)),
        ("lists/automations_2025_01_01", ["auto_1"], (1, 1, 1)),
        ("lists/2025_08_20_page_1_of_3", ["file_f1", "file_f2"], (None, None, None)),
        ("lists/2025_08_20_no_results", [], (None, None, None)),
        ("lists/tasks_cursor_page_1", ["task_c3", "task_c2"], (None, None, None)),
        ("lists/runs_with_ready_status", ["run_1"], (None, None, None)),
        ("lists/events", ["evt_1"], (None, None, None)),
        ("lists/webhook_endpoints", ["we_1"], (None, None, None)),
        ("lists/connections_in_two_time_forms", ["con_1", "conn_1"], (None, None, None)),
        ("lists/keys", ["key_1"], (None, None, None)),
        ("lists/jobs_with_cursor_headers", ["job_2", "job_1"], (None, None, None)),
        ("lists/jobs_without_headers", ["job_1"], (None, None, None)),
    ],
)
def test_a_list_comes_without_its_envelope_and_with_its_counts(
    recorded: Callable[[str], Response], name: str, ids: list[str], counts: tuple[int | None, ...]
) -> None:
    page = read_page(LIST, recorded(name))
    assert [item["id"] for item in page.items] == ids
    assert (page.page, page.pages, page.total) == counts


@pytest.mark.parametrize(
    ("name", "has_more"),
    [
        ("lists/tasks_cursor_page_1", True),
        ("lists/tasks_cursor_last_page", False),
        ("lists/2025_08_20_page_1_of_3", None),
    ],
)
def test_the_has_more_header_is_read(
    recorded: Callable[[str], Response],
    name: str,
    has_more: bool | None,  # noqa: FBT001 - pytest passes by name
) -> None:
    assert read_page(LIST, recorded(name)).has_more is has_more


def test_links_that_are_null_are_no_links(recorded: Callable[[str], Response]) -> None:
    assert read_page(LIST, recorded("lists/2025_01_01_every_link_null")).links == {}


def test_links_in_the_body_win_over_those_in_a_header() -> None:
    body = {"data": [], "links": {"next": "/files?page=2"}}
    page = read_page(LIST, answer(body, Link='</files?page=9>; rel="next", </files?page=1>; rel="first"'))
    assert page.links == {"next": "/files?page=2", "first": "/files?page=1"}


@pytest.mark.parametrize("count", [True, -1, "x", "²", "9" * 30, 10**400, 1.5, None])
def test_a_count_that_is_none_is_left_out(count: object) -> None:
    body = {"data": [], "meta": {"page": count, "pages": "7", "total": 7}}
    page = read_page(LIST, answer(body))
    assert (page.page, page.pages, page.total) == (None, 7, 7)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deletions/2021_image", None),
        ("deletions/media_generation_empty_body", None),
        ("deletions/media_generation_enveloped", None),
        ("deletions/early_2025_file", "file_early deleted"),
        ("deletions/early_2025_automation_without_body", None),
        ("deletions/2025_01_01_file", "file_abcdefgh1234 deleted"),
        ("deletions/2025_08_20_media", "med_abcdefgh1234 deleted"),
        ("deletions/2025_08_20_automation", "Automation auto_abcdefgh1234 deleted"),
        ("deletions/late_2025_connection_resource", None),
    ],
)
def test_a_deletion_is_confirmed_in_ittybits_words_if_it_has_any(
    recorded: Callable[[str], Response], name: str, words: str | None
) -> None:
    assert read_confirmation(DELETE, recorded(name)) == words


def test_a_deletion_answered_with_an_error_is_an_error(recorded: Callable[[str], Response]) -> None:
    with pytest.raises(IttybitNotFoundError):
        read_confirmation(DELETE, recorded("errors/kind_task_not_found"))


def test_an_empty_body_with_an_error_status_is_no_confirmation() -> None:
    with pytest.raises(IttybitError):
        read_confirmation(DELETE, Response(500))


def test_an_answer_of_unknown_content_may_be_empty(recorded: Callable[[str], Response]) -> None:
    assert read_anything(GET, recorded("uploads/chunk_accepted")) is None
    assert read_anything(GET, answer({"data": [1, 2], "meta": {}})) == [1, 2]
    with pytest.raises(IttybitNotFoundError):
        read_anything(GET, recorded("errors/2025_08_20_message"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lists/2025_01_01_page_1_of_5_as_printed", "not JSON"),
        ("errors/login_page_of_a_hotel", "not JSON"),
        ("uploads/chunk_accepted", "empty"),
        ("lists/2025_08_20_page_1_of_3", "one resource"),
        ("lists/2025_08_20_no_results", "one resource"),
        ("deletions/media_generation_enveloped", "one resource"),
    ],
)
def test_what_is_no_resource_is_unreadable(recorded: Callable[[str], Response], name: str, reason: str) -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match=reason):
        read_resource(GET, recorded(name))


@pytest.mark.parametrize("body", [{"id": "file_1"}, "text", 5, None, [1], [{"id": "file_1"}, None], {"data": {}}])
def test_what_is_no_list_of_objects_is_unreadable(body: object) -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match="a list"):
        read_page(LIST, answer(body))


def test_an_unreadable_answer_still_names_the_request_id(recorded: Callable[[str], Response]) -> None:
    with pytest.raises(IttybitUnreadableAnswerError) as raised:
        read_page(LIST, recorded("resources/file_2025_01_01"))
    assert raised.value.request_id == "req_abcdefghij1234567890"


def test_a_byte_order_mark_and_other_unicode_are_read() -> None:
    assert read_resource(GET, Response(200, content='\ufeff{"id": "file_ü😊"}'.encode())) == {"id": "file_ü😊"}
    assert read_resource(GET, Response(200, content='{"id": "file_ü"}'.encode("utf-16"))) == {"id": "file_ü"}


def test_nesting_without_end_is_unreadable() -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match="nested too deep"):
        read_resource(GET, Response(200, content=b"[" * 200_000))


@pytest.mark.parametrize(
    ("body", "enveloped"),
    [
        ({"data": {"a": 1}}, True),
        ({"data": {"a": 1}, "meta": {}}, True),
        ({"data": {"a": 1}, "links": {}}, True),
        ({"data": {"a": 1}, "error": None}, True),
        ({"data": {"a": 1}, "pagination": {}}, True),
        ({"id": "evt_1", "data": {"a": 1}, "meta": {}}, False),
        ({"object": "event", "data": {"a": 1}, "links": {}}, False),
        ({"data": {"a": 1}, "other": 1}, False),
        ({"meta": {}, "other": 1}, False),
    ],
)
def test_an_envelope_is_told_from_a_resource(body: dict[str, Any], enveloped: bool) -> None:  # noqa: FBT001 - as above
    opened = open_answer(GET, answer(body))
    assert opened.enveloped is enveloped
    assert opened.data == ({"a": 1} if enveloped else body)


@pytest.mark.parametrize(
    ("meta", "request_id"),
    [({"request_id": "req_1", "id": "x"}, "req_1"), ({"id": "req_2"}, "req_2"), ({"id": 5}, None), ({}, None)],
)
def test_the_request_id_stands_in_meta(meta: dict[str, Any], request_id: str | None) -> None:
    assert open_answer(GET, answer({"meta": meta, "data": None})).request_id == request_id


@pytest.mark.parametrize(("depth", "is_read"), [(1, True), (DEEPEST - 1, True), (DEEPEST, False), (900, False)])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_only_so_much_nesting_is_read(depth: int, opening: bytes, closing: bytes, *, is_read: bool) -> None:
    body = b'{"id": "file_1", "a": ' + opening * depth + b"1" + closing * depth + b"}"
    if is_read:
        assert read_resource(GET, Response(200, content=body))["id"] == "file_1"
        return
    with pytest.raises(IttybitUnreadableAnswerError, match="nested too deep"):
        read_resource(GET, Response(200, content=body))


def test_an_error_nested_too_deep_is_an_error_all_the_same() -> None:
    body = b'{"error": ' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}"
    with pytest.raises(IttybitNotFoundError):
        read_resource(GET, Response(404, content=body))


def test_numbers_that_no_json_can_hold_again_are_unknown() -> None:
    body = b'{"id": "file_1", "a": NaN, "b": -Infinity, "c": 1e999, "d": [1e-999, 1.5, 2], "e": -0.0}'
    found = read_resource(GET, Response(200, content=body))
    assert found == {"id": "file_1", "a": None, "b": None, "c": None, "d": [0.0, 1.5, 2], "e": 0.0}


def test_halves_of_surrogate_pairs_are_replaced_and_pairs_are_read() -> None:
    body = rb'{"id": "file_1", "\ud800name": ["a\udfffb", "\uD83D\uDE00", "\ud83d\ude00", "\u0041\\ud800"]}'
    found = read_resource(GET, Response(200, content=body))
    assert found == {"id": "file_1", "?name": ["a?b", "😀", "😀", "A\\ud800"]}


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    assert read_resource(GET, Response(200, content=b'{"id": "file_1", "id": "file_2"}'))["id"] == "file_2"


def test_no_error_leads_to_the_answer_itself() -> None:
    for content in (b'{"url": "https://a?sig=hush"', b"[" * 100_000 + b"hush", b'["hush"]'):
        response = Response(200, Headers([("X", "hush")]), content)
        with pytest.raises(IttybitUnreadableAnswerError) as raised:
            read_resource(GET, response)
        assert raised.value.__context__ is None
        assert "hush" not in repr(response) + repr(open_answer(GET, answer({"id": "hush"})))
