"""The ``Link`` header, and ``Links``, which differs from it by a letter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.api.links import read_links
from airflow_provider_ittybit.api.messages import Headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Response

API = "https://api.ittybit.com"


def test_all_relations_of_the_links_header_are_read(recorded: Callable[[str], Response]) -> None:
    assert read_links(recorded("lists/2025_08_20_page_2_of_3").headers) == {
        "self": f"{API}/files?page=2&limit=2",
        "first": f"{API}/files?page=1&limit=2",
        "prev": f"{API}/files?page=1&limit=2",
        "next": f"{API}/files?page=3&limit=2",
        "last": f"{API}/files?page=3&limit=2",
    }


def test_the_link_header_is_read(recorded: Callable[[str], Response]) -> None:
    assert read_links(recorded("lists/tasks_cursor_page_1").headers) == {"next": f"{API}/tasks?after=task_c2&limit=2"}


def test_relative_links_in_two_lines_and_unquoted_are_read(recorded: Callable[[str], Response]) -> None:
    expected = {"first": "/files?page=1", "next": "/files?page=2"}
    assert read_links(recorded("lists/2025_08_20_relative_links").headers) == expected


def test_where_both_headers_name_a_relation_link_wins() -> None:
    headers = Headers([("Link", '</new>; rel="next"'), ("Links", '</old>; rel="next", </first>; rel="first"')])
    assert read_links(headers) == {"next": "/new", "first": "/first"}


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ('</a>; rel="next"', {"next": "/a"}),
        ("</a>;rel=next", {"next": "/a"}),
        ('</a> ; REL = "Next"', {"next": "/a"}),
        ('</a>; title="x"; rel="next"', {"next": "/a"}),
        ('</a>; rel="next"; title="a, b; c"', {"next": "/a"}),
        ('</a>; title="; rel=prev"; rel=next', {"next": "/a"}),
        (r'</a>; title="a \" ; rel=prev"; rel=next', {"next": "/a"}),
        ('</a>; rel="next last"', {"next": "/a", "last": "/a"}),
        ('</a>; rel="next"; rel="prev"', {"next": "/a"}),
        ('</a?x=1,2>; rel="next", </b>; rel="prev"', {"next": "/a?x=1,2", "prev": "/b"}),
        ('</a>; rel="next",</b>; rel="prev"', {"next": "/a", "prev": "/b"}),
        ("</a>; crossorigin; rel=next", {"next": "/a"}),
        ("</a>", {}),
        ("</a>; rel=", {}),
        ('</a>; rel=""', {}),
        ("</a>; title=next", {}),
        ('<>; rel="next"', {}),
        ('/a; rel="next"', {}),
        ('"</a>"; rel="next"', {}),
        ("", {}),
        ("<<<;;;>>>,,,", {}),
    ],
)
def test_a_header_of_any_form_is_read_as_far_as_it_can_be(value: str, links: dict[str, str]) -> None:
    assert read_links(Headers([("Link", value)])) == links


@pytest.mark.parametrize("piece", ["<", "</a>; ", "; ", '<a>; x="', "<a>;   =", "<a>; a=b ", '<a>; a="\\'])
def test_a_hostile_header_takes_no_long_time(piece: str) -> None:
    began = time.process_time()
    read_links(Headers([("Link", piece * 50_000)]))
    assert time.process_time() - began < 2
