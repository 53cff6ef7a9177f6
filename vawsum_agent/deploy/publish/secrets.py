"""Which files look as if they held a secret: by name, and where names say little by how they begin. Pure.

Releases lie in S3 for years and unpacked on every host; secrets are given to hosts by another way. A public certificate
among a library's files is no secret, so ``.pem`` and ``.key`` are looked into.
"""

from __future__ import annotations

import fnmatch
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HEAD_BYTES = 64 << 10
"""How much of a file is looked at."""

_BY_NAME = frozenset(
    {".env", ".git-credentials", ".my.cnf", ".netrc", ".pgpass", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"}
)
_BY_SUFFIX = frozenset({".jks", ".p12", ".pfx", ".ppk"})
_SAMPLES = frozenset({"ci", "default", "defaults", "dist", "example", "sample", "template", "test", "testing"})
_WORDS: dict[str, tuple[bytes, ...]] = {
    ".key": (b"PRIVATE KEY-----",),
    ".pem": (b"PRIVATE KEY-----",),
    ".npmrc": (b"_authToken", b"_password", b"_auth="),
    "auth.json": (b'"http-basic"', b'"bearer"', b'-oauth"', b'-token"'),
    "credentials": (b"aws_secret_access_key",),
}
"""By suffix or whole name: any of these words makes it one. ``auth.json`` is Composer's."""


def looks_secret(name: str, head: Callable[[], bytes]) -> bool:
    """Tell whether a file had better not be published.

    Args:
        name: relative to the release's folder.
        head: gives its first `HEAD_BYTES`; asked only where the name is not enough.
    """
    path = PurePosixPath(name.lower())
    if path.name in _BY_NAME or path.suffix in _BY_SUFFIX:
        return True
    if path.name.startswith(".env."):
        return path.name.rpartition(".")[2] not in _SAMPLES
    words = _WORDS.get(path.name) or _WORDS.get(path.suffix)
    if words is None:
        return False
    beginning = head()
    return any(word in beginning for word in words)


def is_allowed(name: str, patterns: Iterable[str]) -> bool:
    """Whether somebody said that this file may be published: ``*`` matches slashes, too (fnmatch)."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
