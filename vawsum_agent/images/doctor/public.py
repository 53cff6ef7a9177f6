"""Whether an object of the bucket answers at `public_url`, where visitors are sent."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.inspect.content import EXTENSIONS, extension_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vawsum_agent.config.model import ImagesFolder

_LIMIT_S = 10.0
_EXTENSIONS = frozenset(extension for extensions in EXTENSIONS.values() for extension in extensions)


def head(url: str) -> int:
    """Ask for an address as a browser that follows redirects would, without its body; gives the status.

    Raises:
        OSError: no answer.
    """
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "vawsum-agent"})  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=_LIMIT_S) as response:  # noqa: S310 - the configuration's rule
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def public(folder: ImagesFolder, keys: Iterable[str], head: Callable[[str], int] = head) -> Finding | None:
    """Ask for one picture; None where there is none to ask for.

    Args:
        folder: which one.
        keys: some that are in its bucket, below its prefix.
        head: asks for an address.
    """
    key = next((key for key in keys if extension_of(key.encode()) in _EXTENSIONS), None)
    if key is None or not folder.public_url:
        return None
    url = folder.public_url + urllib.parse.quote(key.removeprefix(folder.prefix))
    try:
        status = head(url)
    except (OSError, ValueError) as error:
        what = f"a picture of the bucket can't be had there from this host: {getattr(error, 'reason', error)}"
        return Finding(Severity.WARNING, what, url, f"look from outside: curl -I '{url}'")
    if status == HTTPStatus.OK:
        return Finding(Severity.OK, "a picture of the bucket is served to everybody", url)
    what = f"a picture that is in the bucket answers {status}: visitors who are sent there don't see it"
    remedy = "check public_url, and the CDN's access to the bucket; where signed access guards pictures, it is as meant"
    return Finding(Severity.WARNING, what, url, remedy)
