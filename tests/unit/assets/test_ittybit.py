from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Asset
from airflow_versions import AIRFLOW, ProvidersOfTasks

from airflow_provider_ittybit.assets.ittybit import convert_asset_to_openlineage, create_asset, sanitize_uri
from airflow_provider_ittybit.exceptions import IttybitInputError


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("ittybit://api.ittybit.com/files/file_1", "ittybit://api.ittybit.com/files/file_1"),
        ("ittybit://API.Ittybit.com/files/file_1/", "ittybit://api.ittybit.com/files/file_1"),
        ("ittybit://127.0.0.1:8321//media", "ittybit://127.0.0.1:8321/media"),
        ("ittybit://api.ittybit.com/files/file_1?signature=s3cret", "ittybit://api.ittybit.com/files/file_1"),
        ("ittybit://k3y@api.ittybit.com/files#part", "ittybit://api.ittybit.com/files"),
    ],
)
def test_airflow_brings_an_asset_into_one_form_without_query_and_credentials(given: str, uri: str) -> None:
    assert Asset(given).uri == uri


@pytest.mark.parametrize(
    "wrong", ["ittybit://api.ittybit.com", "ittybit://api.ittybit.com/", "ittybit:///files", "ittybit://h/a/b/c"]
)
def test_an_asset_that_names_no_place_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__STRICT_DATASET_URI_VALIDATION", "True")  # Airflow 2 else only warns
    with pytest.raises(ValueError, match="ittybit://host/collection"):
        Asset(wrong)


def test_an_asset_is_made_of_a_resource_or_a_collection() -> None:
    assert create_asset(resource="files", id="file_1", extra={"a": 1}) == Asset(
        "ittybit://api.ittybit.com/files/file_1", extra={"a": 1}
    )
    assert create_asset(resource="media", host="127.0.0.1:9").uri == "ittybit://127.0.0.1:9/media"
    with pytest.raises(IttybitInputError):
        create_asset(resource="files", id="a/../b")


def test_airflow_finds_normaliser_factory_and_converter() -> None:
    providers, name = ProvidersOfTasks(), "asset" if AIRFLOW >= (3, 0) else "dataset"
    assert getattr(providers, f"{name}_factories")["ittybit"] is create_asset
    assert getattr(providers, f"{name}_uri_handlers")["ittybit"] is sanitize_uri
    assert getattr(providers, f"{name}_to_openlineage_converters")["ittybit"] is convert_asset_to_openlineage


def test_an_asset_becomes_a_dataset_of_openlineage() -> None:
    pytest.importorskip("openlineage.client")
    found: Any = convert_asset_to_openlineage(Asset("ittybit://api.ittybit.com/files/file_1"), None)
    assert (found.namespace, found.name) == ("ittybit://api.ittybit.com", "files/file_1")
