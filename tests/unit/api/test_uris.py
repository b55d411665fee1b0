from __future__ import annotations

import pytest

from airflow_provider_ittybit.api.generations import read_pin
from airflow_provider_ittybit.api.uris import authority_of, collection_of, resource_uri
from airflow_provider_ittybit.exceptions import IttybitInputError


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("https://api.ittybit.com", "api.ittybit.com"),
        ("http://127.0.0.1:8321/v1", "127.0.0.1:8321"),
        ("https://user:k3y@API.example", "api.example"),
    ],
)
def test_the_authority_is_host_and_port_only(host: str, authority: str) -> None:
    assert authority_of(host) == authority


def test_a_uri_names_a_resource_or_its_collection() -> None:
    assert resource_uri("api.ittybit.com", "files", "file_1") == "ittybit://api.ittybit.com/files/file_1"
    assert resource_uri("api.ittybit.com", "files") == "ittybit://api.ittybit.com/files"


@pytest.mark.parametrize("wrong", ["", "a/b", "a?signature=s", ".."])
def test_what_is_no_id_never_gets_into_a_uri(wrong: str) -> None:
    with pytest.raises(IttybitInputError):
        resource_uri("api.ittybit.com", "files", wrong)


@pytest.mark.parametrize(
    ("version", "name", "resource", "collection"),
    [
        ("2025-08-20", "med_1", None, "media"),
        ("2025-08-20", "file_1", None, "files"),
        ("2025-08-20", "odd", None, "files"),
        ("2025-08-20", "odd", "media", "media"),
        ("media", "anything", None, "media"),
        ("jobs", "odd", None, "jobs"),
    ],
)
def test_a_collection_is_told_by_the_id_or_else_it_is_the_main_one(
    version: str, name: str, resource: str | None, collection: str
) -> None:
    assert collection_of(read_pin(version).generation, name, resource) == collection
