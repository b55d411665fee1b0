"""URLs that are signed anew for each try of a task: what of such a URL names the file, and what only opens it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote


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
