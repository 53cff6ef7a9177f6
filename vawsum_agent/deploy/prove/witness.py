"""What a PHP worker says it serves, and whether that is the release. Pure.

Three things can keep PHP at the old release while ``current`` leads to the new one:

- a worker that was not reloaded, in the middle of its life;
- what a worker remembers of links: ``realpath_cache_ttl``, two minutes by default, each worker its own;
- OPcache, which goes by the path that is asked for (``…/current/public/index.php``) and gives the code that it found
  there earlier: with ``validate_timestamps`` off until PHP starts anew, also to workers that are new.

The first two show in the path that a worker gives. The third doesn't, so a witness tells when OPcache began: if that
was after the switch, it has never seen older code there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.text import printable
from vawsum_agent.deploy.release_id import is_release_id

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_SHOWN = 200


class OpCache(msgspec.Struct, frozen=True):
    """What a worker knows of OPcache.

    Attributes:
        since: when it began, or was emptied, in seconds since the epoch, whole ones; None where there is none.
        keeps_s: for how long it takes a path to lead where it led; -1 for good.
    """

    since: int | None = None
    keeps_s: int = 0


class Witness(msgspec.Struct, frozen=True):
    """The answer of `etc/apache2/vawsum-release.php`.

    Attributes:
        path: where the document root leads, as this worker knows it; None where it leads nowhere.
        pid: of the worker.
    """

    path: str | None
    pid: int = 0
    opcache: OpCache = OpCache()

    def release(self, releases: PurePosixPath) -> str | None:
        """Which release the document root is in; None where it is in none of ours."""
        try:
            name = PurePosixPath(self.path or "").relative_to(releases).parts[:1]
        except ValueError:
            return None
        return name[0] if name and is_release_id(name[0]) else None


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to be served.

    Attributes:
        releases: the folder of all releases, without a link in its path.
        release: the one.
        switched_at: since when ``current`` leads to it, in seconds since the epoch.
    """

    releases: PurePosixPath
    release: str
    switched_at: float


def read_witness(body: bytes) -> Witness | None:
    """Read an answer; None where it is another page than ours."""
    try:
        return msgspec.json.decode(body, type=Witness)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def why_old(witness: Witness, expected: Expected, now: Callable[[], float]) -> str:
    """Say what is old about an answer; empty when nothing is.

    Args:
        witness: the answer.
        expected: what has to be served.
        now: in seconds since the epoch.
    """
    served = witness.release(expected.releases)
    if served is None:
        shown = "nowhere" if witness.path is None else f"to {printable(witness.path[:_LONGEST_SHOWN])}"
        return f"its document root leads {shown}, which is in no release"
    if served != expected.release:
        return f"it serves {served}"
    cache, switched = witness.opcache, int(expected.switched_at)
    if cache.since is None or cache.keeps_s == 0 or cache.since >= switched:
        return ""
    # A whole second more, since its times are whole ones.
    if cache.keeps_s > 0 and now() > expected.switched_at + cache.keeps_s + 1:
        return ""
    return "OPcache began before the switch, and may give older code"
