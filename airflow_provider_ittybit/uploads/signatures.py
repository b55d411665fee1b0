"""URLs that are signed anew for each try of a task: what of such a URL names the file, and what only opens it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from airflow_provider_ittybit.api.failures import QUERY_OF_URL, USER_OF_URL
from airflow_provider_ittybit.uploads.unreadable import presentable


@dataclass(frozen=True, slots=True)
class _Scheme:
    """A way to sign a URL.

    :param marks: parameters, in lower case, that all stand in the query of a URL that is signed so.
    :param parameters: all parameters of it; they change whenever the URL is signed anew.
    :param prefix: begins the names of its parameters instead.
    """

    marks: frozenset[str]
    parameters: frozenset[str] = frozenset()
    prefix: str = ""

    def covers(self, name: str) -> bool:
        return name in self.parameters or (self.prefix != "" and name.startswith(self.prefix))


SHORTEST = 5
"""Characters from which on something can be masked: shorter ones stand in many words, and Airflow refuses them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SCHEMES = (
    _Scheme(_words("x-amz-signature"), prefix="x-amz-"),  # Amazon S3, and the stores that speak its API
    _Scheme(_words("awsaccesskeyid signature"), _words("awsaccesskeyid signature expires x-amz-security-token")),
    _Scheme(_words("x-goog-signature"), prefix="x-goog-"),
    _Scheme(_words("googleaccessid signature"), _words("googleaccessid signature expires")),
    _Scheme(_words("key-pair-id signature"), _words("key-pair-id signature expires policy")),  # CloudFront
    _Scheme(  # Azure
        _words("sig se"),
        _words("sig se st sp sr sv spr sip si ss srt ses sdd skoid sktid skt ske sks skv saoid suoid scid"),
    ),
    _Scheme(_words("expiry signature"), _words("expiry method signature")),  # ittybit's own delivery domain
)


def without_signature(url: str) -> str:
    """Leave out what only opens a URL: the parameters of the known ways to sign one.

    All other parameters stay, since they may name the file: ``download?id=1`` is not ``download?id=2``. So what is
    left can hold a secret of an unknown kind; it is to be hashed, not shown.

    :param url: any URL; one that is not signed comes back as it is.
    """
    place, question, rest = url.partition("?")
    query, hash_, fragment = rest.partition("#")
    pairs = [(unquote(pair.partition("=")[0]).lower(), pair) for pair in query.split("&")]
    names = {name for name, _ in pairs}
    signed = [scheme for scheme in _SCHEMES if scheme.marks <= names]
    if not signed:
        return url
    kept = "&".join(pair for name, pair in pairs if not any(scheme.covers(name) for scheme in signed))
    return f"{place}{question if kept else ''}{kept}{hash_}{fragment}"


class Veiled(str):
    """A text like any other, but for its ``repr``, which leaves out the query of a URL and the user before its host.

    Tools that collect errors send away the ``repr`` of all local variables on the way to one.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(presentable(str(self)))


def veiled(value: Any) -> Any:
    """Copy a value with all URLs in it veiled; what is neither text nor holds any comes back as it is."""
    if isinstance(value, str):
        return Veiled(value) if "://" in value else value
    if isinstance(value, dict):
        return {name: veiled(item) for name, item in value.items()}
    return [veiled(item) for item in value] if isinstance(value, list) else value


_URL = re.compile(r"""[a-z][a-z0-9+.-]{0,20}://([^\s/?#"'<>]*)[^\s?#"'<>]*(?:\?([^\s#"'<>]+))?""", re.IGNORECASE)
_OPENS = re.compile(r"sig|token|secret|key|passw|auth|credential|policy", re.IGNORECASE)
"""In the name of a parameter: its value may open the URL."""
_BEGINS_AS_URL = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def secrets_in(value: object) -> set[str]:
    """Find what opens the URLs in a value: queries, and passwords before the host, as they stand and decoded.

    :param value: text, a path of an object store, or a list or mapping that holds some.
    :return: what must not be shown. Of a query that looks like no signature, it comes with its question mark, so that
        a word of a log that is the same by chance can still be read.
    """
    if isinstance(value, Mapping):
        return secrets_in([*value, *value.values()])
    if isinstance(value, list | tuple | set | frozenset):
        return set().union(*map(secrets_in, value))
    text = str(value) if isinstance(value, str) or hasattr(value, "protocol") else ""
    found: set[str] = set()
    for authority, query in _URL.findall(text):
        user, at, _ = authority.rpartition("@")
        if at and ":" in user:
            found |= {user, user.partition(":")[2]}
        values = [pair.partition("=")[2] for pair in query.split("&") if _OPENS.search(pair.partition("=")[0])]
        if query:
            found |= {query, *values} if values else {f"?{query}"}
    return {form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST}


def without_signed_inputs(resource: Any) -> Any:
    """Copy a resource without what opens the URLs that it was made from, so that it can be kept in XCom.

    Some generations repeat these in their answers (documented: ``input``, ``inputs``, ``options``, and what else
    ``_READ`` names). They lose their whole query, since nobody knows all ways to sign one, and a user before the host;
    so do URLs in the words of an ``error``. A name (``_NAMED``) loses its query where that looks like a signature.

    All else stays: a URL of what was made, whose query whoever gets it may need, and ``metadata``, but for fields of
    these names in it.

    :param resource: a resource as received, or a part of one.
    """
    return _cleaned(resource, str)


def _without_queries(text: str) -> str:
    if _BEGINS_AS_URL.match(text):
        return presentable(text)
    return USER_OF_URL.sub(r"\1", QUERY_OF_URL.sub(r"\1", text)) if "://" in text else text


def _without_signature_in_name(name: str) -> str:
    place, _, query = name.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    names = {unquote(parameter).lower() for parameter, equals, _ in pairs if equals}
    is_signed = any(map(_OPENS.search, names)) or any(scheme.marks <= names for scheme in _SCHEMES)
    return USER_OF_URL.sub(r"\1", place if is_signed else name)


_READ = _words("input inputs options workflow next original error")
"""Fields that tell what something was made from, what is to follow, or why that failed."""
_NAMED = _words("filename folder title ref")
"""Fields that a server may fill with a part of the URL, if it is told nothing else."""
_CLEANING: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(_READ, _without_queries),
    **dict.fromkeys(_NAMED, _without_signature_in_name),
}


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    """Copy a value with its texts cleaned, those of fields with a rule of their own by that one."""
    if isinstance(value, dict):
        return {name: _cleaned(item, _CLEANING.get(name, clean)) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value
