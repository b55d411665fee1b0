"""Proxies and certificates, found the same way for both transports: connection first, then environment."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_provider_ittybit.api.settings import is_loopback
from airflow_provider_ittybit.exceptions import IttybitConfigurationError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.settings import Settings


def proxy_for(url: str, settings: Settings) -> str | None:
    """Find the proxy for a URL.

    :return: the connection's proxy for the URL's scheme, else that of ``HTTPS_PROXY`` / ``HTTP_PROXY`` unless
        ``NO_PROXY`` names the host; never one for this machine.
    :raises IttybitConfigurationError: it is no URL of a proxy. No frame that the error passes through holds it, since
        it may have a password.
    """
    parts = urlsplit(url)
    host, scheme = parts.hostname or "", parts.scheme
    if is_loopback(host):
        return None
    if scheme in settings.proxies:
        place = "the extra proxies of the Airflow connection"
        proxy = _usable_proxy(settings.proxies[scheme])
    elif proxy_bypass(host):
        return None
    else:
        place = f"the variable {scheme.upper()}_PROXY"
        proxy = _usable_proxy(getproxies().get(scheme, ""))
    if proxy is None:
        raise _no_proxy(place)
    return proxy or None


def _usable_proxy(given: str) -> str | None:
    """Complete the URL of a proxy, if there is one; ``None`` if one of the HTTP libraries would stumble over it."""
    text = given.strip()
    if not text:
        return ""
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
        unquote(f"{parts.username}{parts.password}").encode("latin-1")  # as the header that holds them
    except ValueError:
        return None
    is_proxy = parts.scheme in ("http", "https") or parts.scheme.startswith("socks")
    return text if host and is_proxy and text.isprintable() and " " not in text else None


def _no_proxy(place: str) -> IttybitConfigurationError:
    message = (
        f"The proxy in {place} cannot be used: write http://host:port or http://user:password@host:port, with "
        "percent-encoding for what is no letter or digit in user and password."
    )
    return IttybitConfigurationError(message)


def ca_file(settings: Settings) -> str:
    """Find the CA certificates: the connection's, those of ``REQUESTS_CA_BUNDLE``, else certifi's.

    :return: path of a file, or of a folder as OpenSSL's ``c_rehash`` makes it.
    :raises IttybitConfigurationError: there is nothing at that path.
    """
    import certifi

    own = _own_ca(settings)
    if own and not Path(own).exists():
        raise _unusable(own, "is not there")
    return own or certifi.where()


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Make what TLS connections need, with the CA certificates loaded and the wish not to check them heeded.

    :raises IttybitConfigurationError: the CA certificates cannot be loaded.
    """
    place = ca_file(settings)
    is_folder = Path(place).is_dir()
    try:
        context = ssl.create_default_context(cafile=None if is_folder else place, capath=place if is_folder else None)
    except OSError as error:
        raise _unusable(place, f"cannot be loaded ({error.strerror or type(error).__name__})") from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_own_ca(settings: Settings) -> None:
    """Refuse CA certificates of one's own that cannot be loaded, before a request fails for it in other words.

    :raises IttybitConfigurationError: they cannot be loaded.
    """
    if settings.verify and _own_ca(settings):
        tls_context(settings)


def _own_ca(settings: Settings) -> str | None:
    return settings.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or None


def _unusable(place: str, why: str) -> IttybitConfigurationError:
    message = (
        f"The CA certificates {place!r} {why}: correct ca_bundle in the extra of the Airflow connection, or the "
        "variable REQUESTS_CA_BUNDLE; it is a PEM file on this machine."
    )
    return IttybitConfigurationError(message)
