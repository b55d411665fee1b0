from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import HookLineageCollector

from airflow_provider_ittybit.hooks.lineage import tell_lineage, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> HookLineageCollector:
    """Collect as an Airflow does that has a reader of lineage."""
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    made = HookLineageCollector()
    monkeypatch.setattr("airflow.providers.common.compat.sdk.get_hook_lineage_collector", lambda: made)
    return get_hook_lineage_collector()


def uris(found: Any) -> list[str]:
    return [info.asset.uri for info in found]


def test_an_upload_reads_its_source_and_writes_the_resource(
    hook_for: Callable[..., IttybitHook], collector: HookLineageCollector, image: Path
) -> None:
    hook = hook_for("files-flat")
    file = hook.upload_media(image)
    found = collector.collected_assets
    assert uris(found.inputs) == [image.as_uri()]
    assert uris(found.outputs) == [uri_of(hook, file["id"])]
    assert found.outputs[0].context is hook
    assert uris(found.outputs)[0].endswith(f"/files/{file['id']}")


def test_a_signed_url_is_told_without_its_query(
    hook_for: Callable[..., IttybitHook], collector: HookLineageCollector, web: str
) -> None:
    hook = hook_for("files-flat")
    hook.upload_media(f"{web}/still.png?X-Amz-Signature=s3cret&token=other")
    found = collector.collected_assets
    assert uris(found.inputs) == [f"{web}/still.png"]
    assert "s3cret" not in str(found)


def test_a_deletion_writes_the_resource(
    hook_for: Callable[..., IttybitHook], collector: HookLineageCollector, image: Path
) -> None:
    hook = hook_for("files-flat")
    file = hook.upload_media(image)
    hook.delete_media(file["id"])
    (info,) = collector.collected_assets.outputs
    assert (info.asset.uri, info.count) == (uri_of(hook, file["id"]), 2)
    hook.delete_media(file["id"])
    assert collector.collected_assets.outputs[0].count == 2


def test_neither_key_nor_query_is_in_what_is_told(
    hook_for: Callable[..., IttybitHook], collector: HookLineageCollector, image: Path
) -> None:
    hook = hook_for("files-flat")
    hook.upload_media(image)
    found = collector.collected_assets
    told = [*uris(found.inputs), *uris(found.outputs)]
    assert not [uri for uri in told if "?" in uri or "@" in uri or hook.settings.api_key in uri]


def test_lineage_that_breaks_breaks_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        message = "no lineage here"
        raise OSError(message)

    monkeypatch.setattr("airflow.providers.common.compat.lineage.hook.get_hook_lineage_collector", broken)
    tell_lineage(object(), lambda: ([], ["s3://a/b"]))


def test_without_a_reader_nothing_is_collected(hook_for: Callable[..., IttybitHook], image: Path) -> None:
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    hook_for("files-flat").upload_media(image)
    assert not get_hook_lineage_collector().has_collected
