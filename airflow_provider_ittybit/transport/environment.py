"""Proxies and certificates, found the same way for both transports: connection first, then environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_provider_ittybit.api.settings import is_loopback

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.settings import Settings


def proxy_for(url: str, settings: Settings) -> str | None:
    """Find the proxy for a URL.

    :return: the connection's proxy for the URL's scheme, else that of ``HTTPS_PROXY`` / ``HTTP_PROXY`` unless
        ``NO_PROXY`` names the host; never one for this machine.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return None
    if parts.scheme in settings.proxies:
        return settings.proxies[parts.scheme]
    if proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def ca_file(settings: Settings) -> str:
    """Find the CA certificates: the connection's, those of ``REQUESTS_CA_BUNDLE``, else certifi's."""
    import certifi

    return settings.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where()
