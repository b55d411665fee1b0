from __future__ import annotations

import asyncio
import time

from airflow_provider_ittybit.triggers.clock import Clock


async def test_it_tells_the_time_of_the_loop_and_of_the_wall() -> None:
    assert abs(Clock().now() - asyncio.get_running_loop().time()) < 60
    assert abs(Clock().time() - time.time()) < 60


async def test_waiting_ends_with_news_or_with_the_time() -> None:
    news = asyncio.Event()
    await asyncio.wait_for(Clock().wait(news, 0.001), 30)
    assert not news.is_set()
    news.set()
    await asyncio.wait_for(Clock().wait(news, 3600), 30)
    await asyncio.wait_for(Clock().wait(news, None), 30)
