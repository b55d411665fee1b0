"""Where bytes are put: a signed URL that is renewed in time and once, or the delivery domain with the key."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import SMALL, arrived, file_with, put_rows, sha256, some_bytes

from airflow_provider_ittybit.api import delivery
from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.api.generations import BY_NAME, Upload
from airflow_provider_ittybit.api.messages import Origin
from airflow_provider_ittybit.emulator.signing import signed_url
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitPermissionError, IttybitServerError
from airflow_provider_ittybit.uploads.targets import DeliveryDomain, SelfSigned, SignedUrl, target_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]

BODY = form_text({})


class Ittybit:
    """A transport that signs, one URL after the other, and takes bytes at those that are still good."""

    settings = SimpleNamespace(generation=BY_NAME["files-flat"])

    def __init__(self, *, seconds: float | None = 3600.0, behind: float = 0.0) -> None:
        self.seconds, self.behind = seconds, behind
        self.signed: list[str] = []
        self.put: list[str] = []
        self.refused: set[str] = set()
        self.all_asked: threading.Barrier | None = None

    def send(self, call: Any) -> Any:
        request = call.request
        now = time.time() - self.behind
        if request.path == "/signatures":
            self.signed.append(f"https://you.ittybit.net/a.mp4?signature={len(self.signed)}")
            return delivery.Signature(self.signed[-1], None if self.seconds is None else now + self.seconds, now)
        if request.method == "GET":
            return now
        self.put.append(request.path)
        if request.path in self.refused:
            if self.all_asked is not None:
                self.all_asked.wait(10)
            raise IttybitPermissionError(request.public_path)
        return {"id": "file_1", "origin": request.origin}


def sent_by(target: Any) -> Any:
    return target.send(delivery.put, BODY)


def test_a_signed_url_is_asked_for_once_and_serves_all() -> None:
    ittybit: Any = Ittybit()
    target = SignedUrl(ittybit, "a.mp4", None, {})
    assert [sent_by(target)["origin"] for _ in range(5)] == [Origin.SIGNED] * 5
    assert len(ittybit.signed) == 1
    assert target.server_time == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("seconds", [-10, 0])
@pytest.mark.parametrize("behind", [0.0, 86_400.0, -86_400.0])
def test_a_url_that_has_ended_by_ittybits_own_clock_is_renewed_before_it_is_used(seconds: float, behind: float) -> None:
    ittybit: Any = Ittybit(seconds=seconds, behind=behind)
    target = SignedUrl(ittybit, "a.mp4", None, {})
    ittybit.seconds = 3600
    sent_by(target)
    assert ittybit.put == [ittybit.signed[1]]


@pytest.mark.parametrize("behind", [86_400.0, -86_400.0])
@pytest.mark.parametrize("seconds", [None, 3600.0, 30.0])
def test_a_worker_whose_clock_is_wrong_renews_nothing_too_soon(behind: float, seconds: float | None) -> None:
    ittybit: Any = Ittybit(seconds=seconds, behind=behind)
    sent_by(SignedUrl(ittybit, "a.mp4", None, {}))
    assert len(ittybit.signed) == 1


def test_a_url_is_renewed_a_minute_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_ittybit.uploads import targets

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(targets, "time", SimpleNamespace(monotonic=lambda: clock.now, time=time.time))
    ittybit: Any = Ittybit()
    target = SignedUrl(ittybit, "a.mp4", None, {})
    for clock.now, signed in ((3530.0, 1), (3545.0, 2), (3545.0 + 3530.0, 2), (3545.0 + 3545.0, 3)):
        sent_by(target)
        assert len(ittybit.signed) == signed


def test_a_refused_url_is_renewed_once_for_all_threads() -> None:
    ittybit: Any = Ittybit()
    target = SignedUrl(ittybit, "a.mp4", None, {})
    ittybit.refused.add(ittybit.signed[0])
    ittybit.all_asked = threading.Barrier(4)  # each is refused before any of them can renew
    threads = [threading.Thread(target=sent_by, args=(target,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ittybit.signed) == 2
    assert ittybit.put == [ittybit.signed[0]] * 4 + [ittybit.signed[1]] * 4


def test_a_url_that_is_refused_again_is_an_error() -> None:
    ittybit: Any = Ittybit()
    target = SignedUrl(ittybit, "a.mp4", None, {})
    ittybit.refused.update(f"https://you.ittybit.net/a.mp4?signature={number}" for number in range(9))
    with pytest.raises(IttybitPermissionError) as caught:
        sent_by(target)
    assert len(ittybit.put) == 2
    assert "signature" not in str(caught.value)


def test_other_refusals_renew_nothing() -> None:
    class Down(Ittybit):
        def send(self, call: Any) -> Any:
            if call.request.method == "PUT":
                raise IttybitServerError
            return super().send(call)

    ittybit: Any = Down()
    with pytest.raises(IttybitServerError):
        sent_by(SignedUrl(ittybit, "a.mp4", None, {}))
    assert len(ittybit.signed) == 1


def test_the_delivery_domain_gets_the_path_and_is_asked_for_the_time_only_when_that_is_wanted() -> None:
    ittybit: Any = Ittybit(behind=500)
    asked: list[str] = []
    send = ittybit.send
    ittybit.send = lambda call: (asked.append(f"{call.request.method} {call.request.path}"), send(call))[1]
    target = DeliveryDomain(ittybit, "a b.mp4", "talks")
    assert sent_by(target)["origin"] is Origin.DELIVERY
    assert asked == ["PUT /talks/a%20b.mp4"]
    assert target.server_time == target.server_time == pytest.approx(time.time() - 500, abs=60)
    assert asked[1:] == ["GET /files"]


def test_a_path_that_leads_elsewhere_is_refused_before_any_request() -> None:
    with pytest.raises(IttybitInputError):
        DeliveryDomain(object(), "a.mp4", "../x")  # type: ignore[arg-type] # it is not used


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        (Upload.DIRECT_PUT, DeliveryDomain),
        (Upload.SIGNED_PUT, SignedUrl),
        (Upload.SELF_SIGNED_PUT, SelfSigned),
    ],
)
def test_the_protocol_decides_where_bytes_go(protocol: Upload, kind: type) -> None:
    assert type(target_for(Ittybit(), "a.mp4", None, protocol)) is kind  # type: ignore[arg-type] # enough of one


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat"])
@pytest.mark.parametrize("chunking", [None, SMALL], ids=["whole", "chunks"])
def test_an_expired_url_of_ittybit_is_renewed_before_a_byte_goes(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, version: str, chunking: Any
) -> None:
    hook = put_by(version)
    long_ago = int(time.time()) - 100
    url = signed_url(emulator.delivery_url, emulator.api_key, "clip.mp4", long_ago, "put")
    body = f'{{"url": "{url}", "expiry": {long_ago}}}'
    emulator.control.fault(match={"path": "^/signatures$"}, status=200, body=body)
    content = some_bytes(8001)
    hook.upload_media(file_with(tmp_path, content), chunking=chunking)
    assert len(emulator.control.requests(path="/signatures")) == 2
    assert {row["status"] for row in put_rows(emulator)} <= {201, 202}
    assert arrived(emulator) == [sha256(content)]


def test_a_url_whose_end_is_not_told_is_renewed_when_it_is_refused(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path
) -> None:
    hook = put_by("files-flat")
    url = signed_url(emulator.delivery_url, emulator.api_key, "clip.mp4", int(time.time()) - 100, "put")
    emulator.control.fault(match={"path": "^/signatures$"}, status=200, body=f'{{"url": "{url}"}}')
    content = some_bytes(8001)
    hook.upload_media(file_with(tmp_path, content))
    assert [row["status"] for row in put_rows(emulator)] == [403, 202]
    assert arrived(emulator) == [sha256(content)]


@pytest.mark.parametrize("version", ["tasks", "jobs"])
@pytest.mark.parametrize("chunking", [None, SMALL], ids=["whole", "chunks"])
def test_a_generation_that_signs_nothing_takes_bytes_by_a_signature_made_here(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, version: str, chunking: Any
) -> None:
    content = some_bytes(8001)
    path = file_with(tmp_path, content, "Gänse & 東京.mp4")
    file = put_by(version, direct=True).upload_media(path, folder="talks/2026", chunking=chunking)
    [kept] = emulator.control.files()
    assert (kept["id"], kept["sha256"]) == (file["id"], sha256(content))
    assert (kept["folder"], kept["filename"]) == ("talks/2026", "Gänse & 東京.mp4")
    assert not [row for row in put_rows(emulator) if row["has_authorization"] or row["version"]]
    assert emulator.control.requests(path="/signatures") == []


def test_where_a_signature_made_here_is_refused_the_key_is_tried_and_then_kept_to(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, logged: Callable[[], list[str]]
) -> None:
    emulator.control.fault(match={"role": "delivery"}, status=403)
    hook = put_by("jobs", direct=True)  # it sends no version, so the emulator takes the key as well
    content = some_bytes(8001)
    hook.upload_media(file_with(tmp_path, content), chunking={**SMALL, "parallel": 1})
    rows = put_rows(emulator)
    assert [row["has_authorization"] for row in rows] == [False] + [True] * (len(rows) - 1)
    assert arrived(emulator) == [sha256(content)]
    assert len([line for line in logged() if "refused the signature (403): trying the key" in line]) == 1


def test_a_place_that_takes_neither_signature_nor_key_is_an_error_without_either(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, status=403, times=0, message="Not yours.")
    with pytest.raises(IttybitPermissionError, match=r"Not yours\.") as caught:
        put_by("jobs", direct=True).upload_media(file_with(tmp_path, b"x"))
    assert emulator.api_key not in str(caught.value)
    assert "signature=" not in str(caught.value)
    assert len(put_rows(emulator)) == 2
