from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.triggers.staging import Stage, no, settings_for

from airflow_provider_ittybit.api.calls import get_resource
from airflow_provider_ittybit.exceptions import IttybitRateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_a_guest_sends_through_the_poller_of_those_who_wait(stage: Callable[..., Stage]) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    waiter = scene.wait_for(name)
    visit = scene.pollers.visit("ittybit_default", scene.settings)
    resource = await visit.send(get_resource(scene.settings.generation, name, None))
    assert resource["id"] == name
    assert scene.ittybit.open == len(scene.pollers.open()) == 1
    await waiter.leave()
    assert scene.ittybit.open == 1
    await visit.end()
    assert scene.ittybit.open == 0
    await visit.end()


async def test_a_rate_limit_that_a_guest_meets_holds_for_all(stage: Callable[..., Stage]) -> None:
    scene = stage()
    visit = scene.pollers.visit("ittybit_default", scene.settings)
    call = get_resource(scene.settings.generation, "file_0", None)
    scene.ittybit.trouble = lambda _: no(429, Retry_After="60")
    for _ in range(2):
        with pytest.raises(IttybitRateLimitError):
            await visit.send(call)
    assert scene.ittybit.count() == 1
    assert scene.poller.gate.is_closed
    assert visit.opens_at == scene.poller.gate.opens_at
    await visit.end()


async def test_a_visit_serves_the_connection_that_it_was_begun_with(stage: Callable[..., Stage]) -> None:
    scene = stage()
    visit = scene.pollers.visit("ittybit_default", scene.settings)
    assert visit.serves(settings_for("files-flat"))
    assert not visit.serves(settings_for("files-flat", key="an0therK3y"))
    assert visit.settings is scene.settings
    await visit.end()
    assert not visit.serves(scene.settings)
