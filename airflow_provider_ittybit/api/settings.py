"""What a connection says, checked: hosts, key, pin, TLS. It is a value and knows nothing of Airflow."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ittybit.api.generations import Generation, Pin, read_pin
from airflow_provider_ittybit.exceptions import IttybitConfigurationError

DEFAULT_HOST = "https://api.ittybit.com"
DEFAULT_UPLOADS_URL = "https://uploads.ittybit.com"
DEFAULT_TIMEOUT = 60.0
DEFAULT_MAX_RETRIES = 4

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
RESERVED_HEADERS = frozenset({"authorization", "host", "content-length", "transfer-encoding", "connection"})
"""Headers that the connection or the transport sets, and nothing else."""

_WORDS = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}
NO_HEADER = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """A checked connection.

    :param api_key: sent as ``Authorization: Bearer``, to ``host``, ``uploads_url`` and ``delivery_url`` only.
    :param pin: API generation and version value.
    :param host: base URL of the API.
    :param uploads_url: base URL of the uploads host (media generation).
    :param delivery_url: base URL of the project's own domain, ``None`` if it is not known.
    :param version_header: name of the version header, ``None`` to send none.
    :param timeout: seconds to connect and to wait for each read; a whole answer may take five times that.
    :param max_retries: times a request is sent again within one try of a task.
    :param verify: whether TLS certificates are checked.
    :param ca_bundle: path of a file with the CA certificates to check them with.
    :param proxies: proxy URL by scheme (``http``, ``https``).
    """

    api_key: str = field(repr=False)
    pin: Pin
    host: str = DEFAULT_HOST
    uploads_url: str = DEFAULT_UPLOADS_URL
    delivery_url: str | None = None
    version_header: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    verify: bool = True
    ca_bundle: str | None = None
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def generation(self) -> Generation:
        """The generation that requests are encoded for."""
        return self.pin.generation

    @property
    def fingerprint(self) -> str:
        """A short hash of all settings; it tells two apart without holding the key."""
        shown: list[object] = [self.host, self.uploads_url, self.delivery_url, self.version_header, self.pin.version]
        shown += [
            self.generation.name,
            self.timeout,
            self.max_retries,
            self.verify,
            self.ca_bundle,
            sorted(self.proxies.items()),
        ]
        return hashlib.sha256(json.dumps([shown, self.api_key]).encode()).hexdigest()[:16]


def read_settings(name: str, *, host: str | None, password: str | None, extra: Mapping[str, Any]) -> Settings:
    """Check what a connection holds.

    :param name: the connection's id, for errors.
    :param host: API base URL, default ``https://api.ittybit.com``.
    :param password: the API key.
    :param extra: any of ``api_version``, ``version_header``, ``uploads_url``, ``delivery_domain``, ``timeout``,
        ``max_retries``, ``verify``, ``ca_bundle``, ``proxies``.
    :raises IttybitConfigurationError: a value cannot be used, the key is missing, or an extra is unknown.
    """
    reader = _Extras(name, extra)
    try:
        pin = read_pin(reader.version())
    except IttybitConfigurationError as error:
        error.message = f"The Airflow connection {name!r} is pinned to no known version: {error.message}"
        raise
    header, version = _version_header(reader.text("version_header"), pin, name)
    delivery = reader.text("delivery_domain")
    return Settings(
        api_key=_key(name, password),
        pin=Pin(pin.generation, version),
        host=_base_url(name, "host", host or DEFAULT_HOST),
        uploads_url=_base_url(name, "uploads_url", reader.text("uploads_url") or DEFAULT_UPLOADS_URL),
        delivery_url=_base_url(name, "delivery_domain", delivery) if delivery else None,
        version_header=header,
        timeout=reader.number("timeout", DEFAULT_TIMEOUT, 0.001, 3600),
        max_retries=reader.whole("max_retries", DEFAULT_MAX_RETRIES, 0, 100),
        verify=reader.flag("verify", default=True),
        ca_bundle=reader.text("ca_bundle"),
        proxies=reader.proxies(),
    )


ALLOWED_EXTRAS = (
    "api_version",
    "version_header",
    "uploads_url",
    "delivery_domain",
    "timeout",
    "max_retries",
    "verify",
    "ca_bundle",
    "proxies",
)


class _Extras:
    """Reads the extra of a connection, naming connection and field when something is wrong."""

    def __init__(self, name: str, extra: Mapping[str, Any]) -> None:
        unknown = sorted(str(key) for key in extra if key not in ALLOWED_EXTRAS)
        if unknown:
            raise _problem(
                name, f"has the unknown extra {', '.join(unknown)}", f"known are {', '.join(ALLOWED_EXTRAS)}"
            )
        self._name = name
        self._extra = extra

    def text(self, key: str) -> str | None:
        value = self._extra.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise _problem(self._name, f"has {key}={value!r}", "it must be text")
        return value.strip() or None

    def version(self) -> str | None:
        """Return what pins the version; a blank text is not the same as none."""
        value = self._extra.get("api_version")
        return value.strip() if isinstance(value, str) else self.text("api_version")

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self._extra.get(key)
        if value is None or value == "":
            return default
        try:
            number = float(value) if not isinstance(value, bool) else float("nan")
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not low <= number <= high:
            raise _problem(self._name, f"has {key}={value!r}", f"it must be a number from {low:g} to {high:g}")
        return number

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        number = self.number(key, default, low, high)
        if number != int(number):
            raise _problem(self._name, f"has {key}={number!r}", "it must be a whole number")
        return int(number)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._extra.get(key, default)
        if isinstance(value, bool):
            return value
        found = _WORDS.get(str(value).strip().lower()) if value not in (None, "") else default
        if found is None:
            raise _problem(self._name, f"has {key}={value!r}", "it must be true or false")
        return found

    def proxies(self) -> Mapping[str, str]:
        value = self._extra.get("proxies") or {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = None
        if not isinstance(value, Mapping) or not all(
            scheme in ("http", "https") and isinstance(url, str) for scheme, url in value.items()
        ):
            raise _problem(self._name, "has proxies of a wrong form", 'write {"https": "http://proxy.example:3128"}')
        return dict(value)


def _key(name: str, password: str | None) -> str:
    key = (password or "").strip()
    if not key:
        raise _problem(name, "has no API key", "put the key from the ittybit app into its password")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise _problem(name, "has an API key with a character that no key has", "copy the key again into its password")
    return key


def _version_header(wanted: str | None, pin: Pin, name: str) -> tuple[str | None, str | None]:
    """Tell name and value of the header from ``Name``, ``Name: value`` or ``none``."""
    if wanted is None:
        return (pin.generation.version_header if pin.version else None), pin.version
    if wanted.lower() == NO_HEADER:
        return None, None
    header, colon, value = (part.strip() for part in wanted.partition(":"))
    usable = HEADER_NAME.fullmatch(header) and header.lower() not in RESERVED_HEADERS
    if not usable or (colon and not (value.isascii() and value.isprintable() and value)):
        raise _problem(
            name,
            f"has version_header={header!r}",
            "write a header name, `Name: value`, or `none` to send no version header",
        )
    version = value or pin.version
    return (header if version else None), version


def _base_url(name: str, key: str, value: str) -> str:
    text = value.strip()
    text = (text if "://" in text else f"https://{text}").rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    odd = any(c in "@?#\\" or c.isspace() or not c.isprintable() for c in text)
    if not host or parts.scheme not in ("http", "https") or odd:
        raise _problem(
            name,
            f"has {key}={_without_secrets(text)!r}",
            "it must be a base URL such as https://api.ittybit.com",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise _problem(
            name,
            f"has {key}={text!r}",
            "ittybit refuses plain http, and the API key would travel unencrypted: use https",
        )
    return text


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine, the only place that plain http may go to."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_secrets(value: str) -> str:
    return re.sub(r"//[^/]*@", "//…@", re.split(r"[?#]", value, maxsplit=1)[0])


def _problem(name: str, what: str, remedy: str) -> IttybitConfigurationError:
    return IttybitConfigurationError(f"The Airflow connection {name!r} {what}: {remedy}.")
