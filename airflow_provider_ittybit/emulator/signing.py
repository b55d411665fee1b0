"""Signed delivery URLs: a signature made from the API key, instead of the key itself.

The rule is that of ittybit's documentation: HMAC-SHA256 with the key over ``{path}?expiry={e}&method={m}``
(no leading slash, the method in lower case), base64url without padding. Other pages describe the signed string
in other words (section 8); the emulator follows the published code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

LONGEST_EXPIRY = 16
"""Digits of Unix seconds; longer ones are no time."""


def sign(key: str, path: str, expiry: int, method: str) -> str:
    """Return the signature for ``path`` (decoded, without a leading slash) until ``expiry`` (Unix seconds)."""
    text = f"{path}?expiry={expiry}&method={method}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def signed_url(base: str, key: str, path: str, expiry: int, method: str) -> str:
    """Return the whole URL with its signature."""
    query = urlencode({"expiry": expiry, "method": method, "signature": sign(key, path, expiry, method)})
    return f"{base}/{quote(path)}?{query}"


def is_valid(key: str, path: str, query: dict[str, str], method: str, now: float) -> bool:
    """Tell whether ``query`` carries a signature that allows ``method`` on ``path`` now."""
    expiry = query.get("expiry", "")
    is_time = expiry.isascii() and expiry.isdecimal() and len(expiry) <= LONGEST_EXPIRY
    if not is_time or int(expiry) < now or query.get("method", "get") != method:
        return False
    expected = sign(key, path, int(expiry), method)
    return hmac.compare_digest(expected.encode(), query.get("signature", "").encode())
