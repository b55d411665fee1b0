"""What ``urllib3`` logs of a request whose query is a secret, and of all others."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import BlockingCarrier, call, settings_for

from airflow_provider_ittybit.transport.redaction import LOGGERS, queries_hidden

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(LOGGERS[0])


@pytest.fixture(autouse=True)
def _at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("https", "h", "/a?sig=hush", 200), "https h /a?… 200"),
        (("/a?sig=hush", None, 1.5, "no question"), "/a?… None 1.5 no question"),
    ],
)
def test_a_query_is_left_out_and_all_else_stays(
    name: str, args: tuple[Any, ...], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with queries_hidden():
        logging.getLogger(name).debug("%s %s %s %s", *args)
    assert caplog.messages == [line]


def test_a_query_among_named_values_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with queries_hidden():
        LOG.debug("went to %(url)s", {"url": "/a?sig=hush", "more": 1})
        LOG.debug("nothing to fill in")
    assert caplog.messages == ["went to /a?…", "nothing to fill in"]


@pytest.mark.parametrize("name", LOGGERS)
def test_of_an_error_only_its_class_is_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with queries_hidden():
        try:
            message = "unparsed data: hush"
            raise ValueError(message)  # noqa: TRY301 - it is logged where it is caught
        except ValueError as error:
            logging.getLogger(name).warning("no headers (url=%s): %s", "/a?sig=hush", error, exc_info=True)
    assert caplog.messages == ["no headers (url=/a?…): ValueError"]
    assert "hush" not in caplog.text


def test_what_others_log_stays_as_it_is_before_after_and_in_other_threads(caplog: pytest.LogCaptureFixture) -> None:
    LOG.debug("before %s", "/a?page=1")
    with queries_hidden(), ThreadPoolExecutor(1) as pool:
        pool.submit(LOG.debug, "beside %s", "/a?page=2").result()
    LOG.debug("after %s", "/a?page=3")
    LOG.debug("failed %s", ValueError("/a?page=4"), exc_info=ValueError("behind it"))
    assert caplog.messages == ["before /a?page=1", "beside /a?page=2", "after /a?page=3", "failed /a?page=4"]
    assert "behind it" in caplog.text


def test_one_within_another_ends_with_the_outer_one(caplog: pytest.LogCaptureFixture) -> None:
    with queries_hidden():
        with queries_hidden():
            LOG.debug("%s", "/a?b")
        LOG.debug("%s", "/c?d")
    LOG.debug("%s", "/e?f")
    assert caplog.messages == ["/a?…", "/c?…", "/e?f"]
    assert len([one for one in LOG.filters if type(one).__name__ == "_WithoutQueries"]) == 1


def test_a_request_is_logged_without_its_query(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    server = serve()
    carrier = BlockingCarrier(settings_for(server.url), lambda: None)
    carrier.send(call(query=(("input", "https://bucket/a?sig=hush"),)))
    carrier.close()
    assert "hush" in server.arrived[0].target
    assert "/files/file_1?…" in caplog.text
    assert "hush" not in caplog.text
