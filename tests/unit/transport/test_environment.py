"""Certificates, proxies and netrc: both transports find the same, and nothing replaces the key."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import KEY, Carriers, call, everything_about, settings_for
from unit.transport.scripted_server import Mishap, Reply, ScriptedServer, Tunnel, no

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitTransportError
from airflow_provider_ittybit.transport.environment import ca_file, proxy_for

if TYPE_CHECKING:
    from pathlib import Path

    from unit.transport.certificates import Authority

Serve = Any
HOST = "api.ittybit.test"
TARGET = f"https://{HOST}"


def test_a_certificate_of_our_own_authority_is_accepted_with_ca_bundle(
    serve: Serve, carry: Carriers, authority: Authority
) -> None:
    server = serve(tls=authority.server_for("127.0.0.1"))
    settings = settings_for(server.url, ca_bundle=str(authority.ca_file))
    assert carry(settings).send(call("POST"))["id"] == "file_1"
    assert server.arrived[0].headers["authorization"] == f"Bearer {KEY}"


def test_requests_ca_bundle_is_heeded(
    serve: Serve, carry: Carriers, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=authority.server_for("127.0.0.1"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    assert carry(settings_for(server.url)).send(call())["id"] == "file_1"


def test_ca_bundle_of_the_connection_wins_over_requests_ca_bundle(
    serve: Serve, carry: Carriers, authority: Authority, other_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=authority.server_for("127.0.0.1"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_authority.ca_file))
    assert carry(settings_for(server.url, ca_bundle=str(authority.ca_file))).send(call())["id"] == "file_1"


@pytest.mark.parametrize("wrong", ["unknown authority", "another authority", "another host", "expired"])
@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_wrong_certificate_is_refused_before_the_key_is_sent(
    serve: Serve, carry: Carriers, authority: Authority, other_authority: Authority, *, wrong: str, scheme: str
) -> None:
    host = "other.example" if wrong == "another host" else "127.0.0.1"
    server = serve(tls=authority.server_for(host, expired=wrong == "expired"))
    trusted = other_authority if wrong == "another authority" else authority
    extra = {} if wrong == "unknown authority" else {"ca_bundle": str(trusted.ca_file)}
    with pytest.raises(IttybitTransportError, match="ca_bundle") as caught:
        carry(settings_for(server.url.replace("https", scheme), max_retries=0, **extra)).send(call("POST"))
    assert not caught.value.may_have_arrived
    assert server.arrived == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_verify_false_accepts_any_certificate(serve: Serve, carry: Carriers, authority: Authority) -> None:
    server = serve(tls=authority.server_for("other.example", expired=True))
    assert carry(settings_for(server.url, verify=False)).send(call())["id"] == "file_1"


@pytest.mark.parametrize("variable", [False, True], ids=["ca_bundle", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("state", ["missing", "nonsense"])
def test_ca_certificates_that_cannot_be_loaded_are_named_before_anything_is_sent(
    serve: Serve,
    carry: Carriers,
    authority: Authority,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    variable: bool,
) -> None:
    bundle = tmp_path / "ca.pem"
    if state == "nonsense":
        bundle.write_text("These are no certificates.")
    if variable:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    server = serve(tls=authority.server_for("127.0.0.1"))
    carrier = carry(settings_for(server.url, **({} if variable else {"ca_bundle": str(bundle)})))
    with pytest.raises(IttybitConfigurationError, match=r"ca\.pem"):
        carrier.send(call())
    assert carrier.slept == []
    assert server.arrived == []


def test_without_any_setting_the_certificates_are_those_of_certifi() -> None:
    assert ca_file(settings_for("https://api.ittybit.com")).endswith("cacert.pem")


def test_a_netrc_entry_does_not_replace_the_key(
    serve: Serve, carry: Carriers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login any password body\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text())
    server = serve()
    carry(settings_for(server.url)).send(call())
    assert server.arrived[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_a_proxy_of_the_environment_never_sees_what_is_for_this_machine(
    serve: Serve, carry: Carriers, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy, server = serve(), serve()
    monkeypatch.setenv(name, proxy.url)
    carry(settings_for(server.url)).send(call())
    assert proxy.connections == 0
    assert len(server.arrived) == 1


def test_a_proxy_of_the_connection_never_sees_what_is_for_this_machine(serve: Serve, carry: Carriers) -> None:
    proxy, server = serve(), serve()
    carry(settings_for(server.url, proxies={"http": proxy.url, "https": proxy.url})).send(call())
    assert proxy.connections == 0
    assert len(server.arrived) == 1


@pytest.fixture
def behind(serve: Serve, authority: Authority) -> tuple[ScriptedServer, ScriptedServer]:
    """A proxy, and behind it the server that proves to be the API's host."""
    server = serve(tls=authority.server_for(HOST))
    return serve(Tunnel(server.port)), server


@pytest.mark.parametrize("source", ["connection", "HTTPS_PROXY", "https_proxy"])
def test_a_proxy_passes_everything_on_and_sees_no_key(
    behind: tuple[ScriptedServer, ScriptedServer],
    carry: Carriers,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    proxy, server = behind
    extra: dict[str, Any] = {"ca_bundle": str(authority.ca_file)}
    if source == "connection":
        extra["proxies"] = {"https": proxy.url}
    else:
        monkeypatch.setenv(source, proxy.url)
    assert carry(settings_for(TARGET, **extra)).send(call("POST", "/tasks", json={}))["id"] == "file_1"
    [connect] = proxy.arrived
    assert (connect.method, connect.target) == ("CONNECT", f"{HOST}:443")
    assert KEY not in str(connect)
    [request] = server.arrived
    assert (request.method, request.target) == ("POST", "/tasks")
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_user_and_password_of_a_proxy_go_to_the_proxy_only(
    behind: tuple[ScriptedServer, ScriptedServer], carry: Carriers, authority: Authority
) -> None:
    proxy, server = behind
    proxies = {"https": proxy.url.replace("//", "//carol:pr0xyword@")}
    carry(settings_for(TARGET, ca_bundle=str(authority.ca_file), proxies=proxies)).send(call())
    expected = base64.b64encode(b"carol:pr0xyword").decode()
    assert proxy.arrived[0].headers["proxy-authorization"] == f"Basic {expected}"
    assert "proxy-authorization" not in server.arrived[0].headers
    assert server.arrived[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_proxy_that_refuses_means_that_nothing_arrived(serve: Serve, carry: Carriers) -> None:
    proxy = serve(no(407))
    proxies = {"https": proxy.url.replace("//", "//carol:pr0xyword@")}
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings_for(TARGET, proxies=proxies, max_retries=1)).send(call("POST"))
    assert not caught.value.may_have_arrived
    assert proxy.methods == ["CONNECT", "CONNECT"]
    assert "pr0xyword" not in everything_about(caught.value)


def test_a_proxy_that_is_not_there_means_that_nothing_arrived(serve: Serve, carry: Carriers) -> None:
    proxy = serve(listening=False)
    with pytest.raises(IttybitTransportError, match="never arrived") as caught:
        carry(settings_for(TARGET, proxies={"https": proxy.url}, max_retries=0)).send(call("POST"))
    assert not caught.value.may_have_arrived


def test_a_proxy_that_is_itself_encrypted_passes_everything_on(
    serve: Serve, carry: Carriers, authority: Authority
) -> None:
    server = serve(tls=authority.server_for(HOST))
    proxy = serve(Tunnel(server.port), tls=authority.server_for("127.0.0.1"))
    settings = settings_for(TARGET, proxies={"https": proxy.url}, ca_bundle=str(authority.ca_file))
    assert carry(settings).send(call("POST", "/tasks", json={}))["id"] == "file_1"
    [connect] = proxy.arrived
    assert (connect.method, connect.target) == ("CONNECT", f"{HOST}:443")
    assert KEY not in str(connect)
    assert server.arrived[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_encrypted_proxy_has_to_prove_who_it_is(serve: Serve, carry: Carriers, authority: Authority) -> None:
    proxy = serve(tls=authority.server_for("other.example"))
    proxies = {"https": proxy.url.replace("//", "//carol:pr0xyword@")}
    settings = settings_for(TARGET, proxies=proxies, ca_bundle=str(authority.ca_file), max_retries=0)
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings).send(call("POST"))
    assert not caught.value.may_have_arrived
    assert proxy.arrived == []
    assert "pr0xyword" not in everything_about(caught.value)


def test_the_certificate_is_checked_through_a_proxy_too(serve: Serve, carry: Carriers, authority: Authority) -> None:
    server = serve(tls=authority.server_for("other.example"))
    proxy = serve(Tunnel(server.port))
    settings = settings_for(TARGET, proxies={"https": proxy.url}, ca_bundle=str(authority.ca_file), max_retries=0)
    with pytest.raises(IttybitTransportError):
        carry(settings).send(call("POST"))
    assert server.arrived == []


@pytest.mark.parametrize("exempt", [HOST, ".ittybit.test", "ittybit.test", "*"])
def test_no_proxy_exempts_a_host_from_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert proxy_for(f"{TARGET}/files", settings_for(TARGET)) == "http://proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_for(f"{TARGET}/files", settings_for(TARGET)) is None


def test_the_proxy_of_the_connection_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://wrong.example:1")
    monkeypatch.setenv("NO_PROXY", "*")
    settings = settings_for(TARGET, proxies={"https": "http://right.example:2"})
    assert proxy_for(f"{TARGET}/files", settings) == "http://right.example:2"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_this_machine_needs_no_proxy(host: str) -> None:
    settings = settings_for(TARGET, proxies={"http": "http://p.example:1", "https": "http://p.example:1"})
    assert proxy_for(f"https://{host}:8800/files", settings) is None


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("carol:pw@proxy.example:3128", "http://carol:pw@proxy.example:3128"),
        (" https://proxy.example ", "https://proxy.example"),
        ("socks5h://proxy.example:1080", "socks5h://proxy.example:1080"),
        ("", None),
    ],
)
def test_a_proxy_is_completed_alike_for_both_transports(given: str, used: str | None) -> None:
    assert proxy_for(TARGET, settings_for(TARGET, proxies={"https": given})) == used


@pytest.mark.parametrize(
    "wrong", ["http://[broken", "http://p:99999", "http://:80", "ftp://p", "http://a b:c@p", "http://東:x@p"]
)
@pytest.mark.parametrize("place", ["extra proxies", "variable HTTPS_PROXY"])
def test_a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_place(
    wrong: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {"https": wrong} if "extra" in place else {}
    monkeypatch.setenv("HTTPS_PROXY", wrong)
    with pytest.raises(IttybitConfigurationError, match=place) as caught:
        proxy_for(TARGET, settings_for(TARGET, proxies=proxies))
    assert wrong not in str(caught.value)


def test_without_any_proxy_there_is_none() -> None:
    assert proxy_for(f"{TARGET}/files", settings_for(TARGET)) is None


def test_a_reply_after_a_proxys_error_is_that_of_the_next_attempt(
    behind: tuple[ScriptedServer, ScriptedServer], serve: Serve, carry: Carriers, authority: Authority
) -> None:
    _, server = behind
    proxy = serve(no(503), Tunnel(server.port))
    settings = settings_for(TARGET, proxies={"https": proxy.url}, ca_bundle=str(authority.ca_file))
    assert carry(settings).send(call("POST"))["id"] == "file_1"
    assert [Reply().status, len(server.arrived)] == [200, 1]


@pytest.mark.parametrize("kept_alive", [False, True], ids=["new connection", "kept alive"])
@pytest.mark.parametrize("mishap", [Mishap.RESET, Mishap.HANG_UP, Mishap.HALF_AN_ANSWER])
def test_what_breaks_off_behind_a_proxy_may_have_arrived_and_is_not_sent_again(
    serve: Serve, carry: Carriers, authority: Authority, *, mishap: Mishap, kept_alive: bool
) -> None:
    before = ["GET"] if kept_alive else []
    server = serve(*(Reply() for _ in before), mishap, tls=authority.server_for(HOST))
    proxy = serve(Tunnel(server.port))
    settings = settings_for(TARGET, proxies={"https": proxy.url}, ca_bundle=str(authority.ca_file))
    carrier = carry(settings)
    for method in before:
        carrier.send(call(method))
    with pytest.raises(IttybitTransportError, match="look for a task at ittybit") as caught:
        carrier.send(call("POST", "/tasks", json={}, traces="a task"))
    assert caught.value.may_have_arrived
    assert server.methods == [*before, "POST"]
    assert proxy.connections == 1


@pytest.mark.parametrize("mishap", [Mishap.RESET, Mishap.HANG_UP, Mishap.NOISE])
def test_a_proxy_that_breaks_off_before_it_lets_anything_through_means_that_nothing_arrived(
    serve: Serve, carry: Carriers, mishap: Mishap
) -> None:
    proxy = serve(mishap)
    with pytest.raises(IttybitTransportError, match="never arrived") as caught:
        carry(settings_for(TARGET, proxies={"https": proxy.url}, max_retries=1)).send(call("POST"))
    assert not caught.value.may_have_arrived
    assert proxy.methods == ["CONNECT", "CONNECT"]
