"""What is asked for after each page, in every form of paging, and when the asking stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api.decoding import Page, read_page
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.api.paging import BARREN_PAGES, REMEMBERED, Known, Pager, next_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Response

MEDIA, ENVELOPED, FLAT, TASKS, JOBS = (
    BY_NAME[name] for name in ("media", "files-enveloped", "files-flat", "tasks", "jobs")
)


def asking(path: str = "/files", **query: str) -> Request:
    return Request("GET", path, query=tuple(query.items()))


def page(*ids: str, **more: Any) -> Page:
    return Page(tuple({"id": one} for one in ids), **more)


@pytest.mark.parametrize(
    ("generation", "name", "asked", "following"),
    [
        ("files-enveloped", "lists/2025_01_01_page_1_of_5", {"limit": "2"}, {"limit": "2", "page": "2"}),
        ("files-enveloped", "lists/2025_01_01_page_2_of_3", {"limit": "2", "page": "2"}, {"limit": "2", "page": "3"}),
        ("files-enveloped", "lists/2025_01_01_page_3_of_3", {"limit": "2", "page": "3"}, None),
        ("files-enveloped", "lists/2025_01_01_no_results", {"limit": "20"}, None),
        ("files-enveloped", "lists/2025_01_01_every_link_null", {"limit": "2"}, {"limit": "2", "page": "2"}),
        (
            "files-enveloped",
            "lists/2025_01_01_tasks_without_error_key",
            {"status": "ready"},
            {"status": "ready", "page": "2", "limit": "2"},
        ),
        ("files-enveloped", "lists/automations_2025_01_01", {"limit": "10"}, None),
        (
            "files-enveloped",
            "lists/early_2025_page_1_of_2_relative_links",
            {"limit": "20"},
            {"limit": "20", "page": "2"},
        ),
        ("files-enveloped", "lists/alpha_files_with_pagination", {"limit": "1"}, {"limit": "1", "page": "2"}),
        ("files-enveloped", "lists/alpha_media_with_short_meta", {"limit": "20"}, {"limit": "20", "page": "2"}),
        ("media", "lists/media_generation_page_1", {"order": "asc"}, {"order": "asc", "limit": "2", "page": "2"}),
        ("media", "lists/2021_images", {"limit": "2"}, None),
        ("media", "lists/2024_03_21_page_1_of_2", {"limit": "12"}, {"limit": "12", "page": "2"}),
        ("media", "lists/2024_08_21_page_1_of_2", {"limit": "12"}, {"limit": "12", "page": "2"}),
        ("files-flat", "lists/2025_08_20_page_1_of_3", {"limit": "2"}, {"limit": "2", "page": "2"}),
        ("files-flat", "lists/2025_08_20_page_2_of_3", {"limit": "2", "page": "2"}, {"limit": "2", "page": "3"}),
        ("files-flat", "lists/2025_08_20_page_3_of_3", {"limit": "2", "page": "3"}, None),
        ("files-flat", "lists/2025_08_20_beyond_the_end", {"limit": "2", "page": "9"}, None),
        ("files-flat", "lists/2025_08_20_no_results", {"limit": "2"}, None),
        ("files-flat", "lists/2025_08_20_full_page_without_links", {"limit": "2"}, {"limit": "2", "page": "2"}),
        ("files-flat", "lists/2025_08_20_full_page_without_links", {"limit": "3"}, {"limit": "3", "page": "2"}),
        ("files-flat", "lists/2025_08_20_relative_links", {"limit": "2"}, {"limit": "2", "page": "2"}),
        (
            "files-flat",
            "lists/2025_08_20_next_link_without_filters",
            {"limit": "2", "kind": "video"},
            {"limit": "2", "kind": "video", "page": "2"},
        ),
        (
            "tasks",
            "lists/tasks_cursor_page_1",
            {"limit": "2", "status": "failed"},
            {"limit": "2", "status": "failed", "after": "task_c2"},
        ),
        ("tasks", "lists/tasks_cursor_last_page", {"limit": "2", "after": "task_c2"}, None),
        ("tasks", "lists/tasks_cursor_page_without_link", {"limit": "2"}, {"limit": "2", "after": "task_c2"}),
        ("tasks", "lists/tasks_cursor_page_that_keeps_its_link", {"limit": "1"}, None),
        ("tasks", "lists/webhook_endpoints", {"limit": "1"}, None),
        ("jobs", "lists/jobs_with_cursor_headers", {"limit": "2"}, {"limit": "2", "after": "job_1"}),
        ("jobs", "lists/jobs_without_headers", {"limit": "1"}, None),
    ],
)
def test_each_recorded_page_tells_the_next_request(
    recorded: Callable[[str], Response],
    generation: str,
    name: str,
    asked: dict[str, str],
    following: dict[str, str] | None,
) -> None:
    request = asking(**asked)
    got = next_page(BY_NAME[generation], request, read_page(request, recorded(name)))
    assert (dict(got.query) if got else None) == following
    assert got is None or (got.method, got.path, got.origin) == ("GET", "/files", request.origin)


@pytest.mark.parametrize("generation", BY_NAME.values(), ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("lists/2025_01_01_page_2_of_3", {"page": "3"}),
        ("lists/2025_08_20_page_2_of_3", {"page": "3"}),
        ("lists/tasks_cursor_page_1", {"after": "task_c2"}),
    ],
)
def test_an_answer_is_read_by_its_shape_whatever_the_pin(
    recorded: Callable[[str], Response], generation: Any, name: str, following: dict[str, str]
) -> None:
    request = asking(limit="2", page="2")
    got = next_page(generation, request, read_page(request, recorded(name)))
    assert got is not None
    assert following.items() <= dict(got.query).items()


def test_a_next_link_never_leads_to_another_host_or_path(recorded: Callable[[str], Response]) -> None:
    request = asking(limit="2")
    got = next_page(FLAT, request, read_page(request, recorded("lists/2025_08_20_next_link_to_another_host")))
    assert got is not None
    assert (got.path, got.origin) == ("/files", request.origin)
    assert dict(got.query) == {"limit": "2", "page": "2"}


def test_the_words_of_a_cursor_are_decoded_once() -> None:
    got = next_page(TASKS, asking(), page("a", links={"next": "/tasks?after=task%5F1&kind=a+b%2Bc"}))
    assert got is not None
    assert got.query == (("after", "task_1"), ("kind", "a b+c"))


def test_going_on_after_an_item_drops_a_before() -> None:
    got = next_page(TASKS, asking(before="task_9", limit="5"), page("task_1", has_more=True))
    assert got is not None
    assert dict(got.query) == {"limit": "5", "after": "task_1"}


@pytest.mark.parametrize("limit", ["3", "x", ""])
def test_a_short_page_without_any_word_is_not_taken_for_the_last(limit: str) -> None:
    got = next_page(FLAT, asking(limit=limit), page("a", "b"))
    assert got is not None
    assert dict(got.query) == {"limit": limit, "page": "2"}


def test_an_empty_page_without_any_word_is_the_last() -> None:
    assert next_page(FLAT, asking(limit="2", page="2"), page()) is None


def test_an_empty_page_goes_on_where_ittybit_says_that_there_is_more() -> None:
    got = next_page(TASKS, asking(), page(has_more=True, links={"next": "/tasks?after=task_1"}))
    assert got is not None
    assert dict(got.query) == {"after": "task_1"}


@pytest.mark.parametrize("number", ["²", "x", "-1", "9" * 30])
def test_a_page_number_that_is_none_ends_a_list_without_links(number: str) -> None:
    assert next_page(FLAT, asking(limit="1", page=number), page("a")) is None


def test_only_page_numbers_go_on_without_any_word_from_ittybit() -> None:
    full = page("a", "b")
    following = {row.name: next_page(row, asking(limit="2"), full) for row in BY_NAME.values()}
    assert {name for name, request in following.items() if request} == {"files-enveloped", "files-flat"}


def walk(pager: Pager, pages: dict[str, Page], by: str = "page") -> list[str]:
    seen: list[str] = []
    for _ in range(20):
        if pager.request is None:
            return seen
        seen += [item["id"] for item in pager.receive(pages[dict(pager.request.query).get(by, "1")])]
    pytest.fail("the pager asked for more than 20 pages")


def test_a_list_of_three_pages_is_read_to_its_end(recorded: Callable[[str], Response]) -> None:
    request = asking(limit="2")
    names = {str(n): f"lists/2025_08_20_page_{n}_of_3" for n in (1, 2, 3)}
    pager = Pager(FLAT, request)
    got = walk(pager, {number: read_page(request, recorded(name)) for number, name in names.items()})
    assert got == ["file_f1", "file_f2", "file_f3", "file_f4", "file_f5"]
    assert pager.stopped_because is None


def test_a_next_link_that_leads_back_ends_the_list_and_says_so() -> None:
    pager = Pager(FLAT, asking(limit="2"))
    pages = {"1": page("a", "b", links={"next": "?page=2"}), "2": page("c", "d", links={"next": "?page=1"})}
    # page 1 under its own number is a new query, so it is read once more and found to hold nothing new
    assert walk(pager, pages) == ["a", "b", "c", "d"]
    assert pager.stopped_because is not None
    assert "leads back" in pager.stopped_because


def test_a_next_link_to_the_same_page_ends_the_list_and_says_so() -> None:
    pager = Pager(FLAT, asking(limit="2", page="1"))
    assert walk(pager, {"1": page("a", links={"next": "?page=1"})}) == ["a"]
    assert "leads back" in (pager.stopped_because or "")


def test_a_query_already_asked_is_never_asked_again() -> None:
    pager = Pager(FLAT, asking(limit="2", page="1"))
    pager.receive(Page(({"kind": "no id"},), links={"next": "?page=1"}))
    assert pager.request is None
    assert "leads back" in (pager.stopped_because or "")


def test_a_server_that_ignores_page_numbers_is_not_asked_for_ever() -> None:
    pager = Pager(FLAT, asking(limit="2"))
    same = page("a", "b")
    assert walk(pager, {str(n): same for n in range(1, 20)}) == ["a", "b"]
    assert "leads back" in (pager.stopped_because or "")


def test_an_item_that_moved_to_the_next_page_is_handed_out_once() -> None:
    pager = Pager(FLAT, asking(limit="2"))
    pages = {"1": page("c", "b", links={"next": "?page=2"}), "2": page("b", "a")}
    assert walk(pager, {**pages, "3": page()}) == ["c", "b", "a"]


def test_items_without_id_are_all_handed_out() -> None:
    pager = Pager(FLAT, asking(limit="5"))
    odd: Any = ({"kind": "a"}, {"kind": "a"}, {"id": 5}, {"id": None}, {"id": ["x"]})
    assert pager.receive(Page(odd)) == list(odd)


def test_texts_of_long_ago_are_forgotten_so_that_memory_stays_flat() -> None:
    known = Known()
    assert all(known.is_new(str(number)) for number in range(2 * REMEMBERED))
    assert not known.is_new("5")
    assert not known.is_new(str(2 * REMEMBERED - 1))
    assert known.is_new("one more")
    assert known.is_new("5")
    assert not known.is_new(str(2 * REMEMBERED - 1))


@pytest.mark.parametrize(
    ("generation", "asked", "link", "following"),
    [
        (TASKS, {"status": "failed"}, "?after=task_1&status=succeeded", {"status": "failed", "after": "task_1"}),
        (FLAT, {"limit": "2"}, "?page=2&limit=50", {"limit": "50", "page": "2"}),
        (MEDIA, {"order": "asc", "orderBy": "created"}, "?page=2&order=desc&orderBy=filesize",
         {"order": "asc", "orderBy": "created", "page": "2"}),
        (JOBS, {"kind": "image"}, "?kind=video&cursor=a", {"kind": "image", "cursor": "a"}),
        (JOBS, {"kind": "image", "cursor": "a"}, "?kind=video&cursor=b", {"kind": "image", "cursor": "b"}),
    ],
)  # fmt: skip
def test_a_link_cannot_change_what_was_asked_for(
    generation: Any, asked: dict[str, str], link: str, following: dict[str, str]
) -> None:
    got = next_page(generation, asking(**asked), page("a", links={"next": link}))
    assert got is not None
    assert dict(got.query) == following


@pytest.mark.parametrize(
    "last",
    [
        page("a", links={"next": "https://api.ittybit.com/files"}),
        page("a", links={"next": "https://[broken/files?page=2"}),
        page("a", links={"next": "?" + "&".join(f"a{n}=1" for n in range(60))}),
        page("a", links={"next": "?" + "&".join(f"a{n}=1" for n in range(50))}),
        page("a", links={"next": "?after=" + "a" * 10_000}),
        Page(({"kind": "no id"},), has_more=True),
    ],
    ids=["no query", "no URL", "too many fields", "too many with its own", "too long", "no id to go on from"],
)
def test_a_list_that_says_more_but_not_where_ends_and_says_so(last: Page) -> None:
    pager = Pager(TASKS, asking(limit="1"))
    pager.receive(last)
    assert pager.request is None
    assert "cannot" in (pager.stopped_because or "") or "not in a way" in (pager.stopped_because or "")


def test_a_stopped_pager_asks_for_nothing_and_takes_nothing() -> None:
    pager = Pager(FLAT, asking())
    pager.stop()
    assert pager.request is None
    with pytest.raises(ValueError, match="no page was asked for"):
        pager.receive(page("a"))


def test_a_page_of_items_without_ids_that_comes_again_and_again_is_the_last() -> None:
    pager = Pager(FLAT, asking(limit="2"))
    nameless = Page(({"title": "a"}, {"id": 7}))
    assert len(pager.receive(nameless)) == 2
    for _ in range(1 + BARREN_PAGES):
        assert pager.request is not None
        assert len(pager.receive(nameless)) == 2  # two equal items without ids may be two things
    assert pager.request is None
