"""Where a git repository is and what of it is wanted, as somebody typed it; and how that is shown. Pure.

A URL may hold a password or a token. Nothing that is shown, printed or logged does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable

_URL_HINT = "such as git@bitbucket.org:vawsum/web.git, https://bitbucket.org/vawsum/web.git or file:///srv/git/web.git"
_SCHEMES = frozenset({"https", "ssh", "file"})
_SCP = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._+-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^-].*")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]*@")
_HIDDEN = "***"

_REF_LONGEST = 255
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_ABBREVIATED = re.compile(r"[0-9a-f]{7,63}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that git may be asked for.

    Attributes:
        url: as git takes it. Never shown.
        shown: the same without what is secret in it.
        protocol: how it is reached.
    """

    url: str
    shown: str
    protocol: str
    _secrets: tuple[str, ...] = ()

    def redacted(self, text: str) -> str:
        """Take what is secret in the URL, and in any other URL, out of a text, such as what git says."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _USERINFO.sub(_without_userinfo, text)


def repository(text: str) -> Repository:
    """Understand a URL.

    Raises:
        UsageError: git is not to be asked for it. The message does not quote what may be secret.
    """
    if not text or not text.isprintable() or " " in text or text.startswith("-"):
        raise UsageError("--repository is no URL of a repository", hint=_URL_HINT)
    if "://" not in text:
        return _without_scheme(text)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("--repository is no URL of a repository", hint=_URL_HINT) from None
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        message = f"--repository: {scheme}:// is no way to fetch a release"
        raise UsageError(message, hint="use https, ssh or file")
    userinfo, _, address = parts.netloc.rpartition("@")
    is_reached = address.startswith("[") or _HOST.fullmatch(host) is not None
    is_option = scheme == "ssh" and userinfo.startswith("-")
    if (not is_reached and scheme != "file") or is_option or len(parts.path) <= 1:
        raise UsageError("--repository names no host, or no repository on it", hint=_URL_HINT)
    return Repository(text, _USERINFO.sub(_without_userinfo, text, count=1), scheme, _secrets(scheme, userinfo))


def _without_scheme(text: str) -> Repository:
    if text.startswith("/"):
        return Repository(text, text, "file")
    if "::" not in text and _SCP.fullmatch(text):
        return Repository(text, text, "ssh")
    raise UsageError("--repository is no URL of a repository", hint=_URL_HINT)


def _secrets(scheme: str, userinfo: str) -> tuple[str, ...]:
    user, colon, password = userinfo.partition(":")
    # With ssh a name alone is only that; with https it may be a token.
    found = [password] if colon or scheme == "ssh" else [user]
    return tuple(sorted({form for text in found if text for form in (text, unquote(text))}, key=len, reverse=True))


def _without_userinfo(match: re.Match[str]) -> str:
    scheme, userinfo = match["scheme"], match[0].removeprefix(match["scheme"])[:-1]
    is_only_a_name = scheme.lower() == "ssh://" and ":" not in userinfo
    return match[0] if is_only_a_name else f"{scheme}{_HIDDEN}@"


def checked_ref(text: str) -> str:
    """Give the name of a branch or tag, or a commit's id, back.

    Raises:
        UsageError: it is none, or more than one (git-check-ref-format(1)).
    """
    is_one = text and len(text) <= _REF_LONGEST and text.isprintable() and not _NOT_IN_REFS.search(text)
    if not is_one or text[0] in "-./+" or text[-1] in "./" or text == "@":
        message = f"--ref {printable(text[:80])!r} is no branch, tag or commit"
        raise UsageError(message, hint="such as master, v1.4.2, refs/heads/master or the id of a commit")
    return text


def is_commit_id(ref: str) -> bool:
    """Whether a ref is the whole id of a commit."""
    return _COMMIT.fullmatch(ref) is not None


def may_be_commit_id(ref: str) -> bool:
    """Whether a ref could be the beginning of a commit's id, or all of it."""
    return is_commit_id(ref) or _ABBREVIATED.fullmatch(ref) is not None
