"""One release, from where it is published to its folder on this host: whole, proven and sealed, or not there at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.arrival import Arrival
from vawsum_agent.deploy.fetch.fetched import Fetched, fetched
from vawsum_agent.deploy.fetch.leftovers import clear_leftovers
from vawsum_agent.deploy.fetch.means import Means
from vawsum_agent.deploy.fetch.places import prepare_places
from vawsum_agent.deploy.fetch.seal import read_seal
from vawsum_agent.deploy.fetch.verify import verify_against
from vawsum_agent.deploy.fetch.wanted import CHECKSUM_BYTES, checksum_name, wanted
from vawsum_agent.deploy.release_id import checked_release_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.deploy.fetch.artifacts import Artifacts
    from vawsum_agent.deploy.fetch.patience import Patience
    from vawsum_agent.deploy.fetch.wanted import Wanted
    from vawsum_agent.deploy.layout import AppFolder


def fetch_release(
    artifacts: Artifacts,
    app: AppFolder,
    release: str,
    *,
    sha256: str | None,
    say: Callable[[str], None],
    ignoring: frozenset[str] = frozenset(),
    means: Means | None = None,
) -> Fetched:
    """Bring a release here. Safe to call again after a crash at any instant inside it; by the holder of the lock alone.

    What an earlier call left when it was killed is cleared first. Where the release is here and whole, nothing more is
    done, and nothing is asked of S3. Where it is here and damaged, it is fetched again, unless it is being served.

    Args:
        artifacts: where it is published.
        app: where it goes.
        release: which.
        sha256: of the only artifact that will do; None for the one that is published.
        say: told what happens.
        ignoring: of one that is here; see `verify_seal`.
        means: for tests.

    Raises:
        UsageError: that is no release.
        DeployError: it is not published, not whole, not safe, or there is no room. Nothing of it is left here.
        AwsError: S3 does not give it, also after some attempts.
    """
    checked_release_id(release)
    means = means or Means()
    prepare_places(app)
    clear_leftovers(app, coming=release)
    try:
        here = _here(app, release, sha256, ignoring, say)
        if here is not None:
            return here
        artifact = _wanted(artifacts, release, sha256, means.patience)
        return Arrival(artifacts, app, release, artifact, means, say).run()
    except OSError as exc:
        message = f"{release} can't be unpacked in {app.releases}: {os.strerror(exc.errno or 0)}"
        raise DeployError(message, hint="see the disk") from exc


def _wanted(artifacts: Artifacts, release: str, sha256: str | None, patience: Patience) -> Wanted:
    stored = patience.call(lambda: artifacts.names(release))
    checksum = patience.call(lambda: artifacts.read(checksum_name(release), CHECKSUM_BYTES))
    return wanted(artifacts.where, release, stored, checksum, sha256)


def _here(
    app: AppFolder, release: str, sha256: str | None, ignoring: frozenset[str], say: Callable[[str], None]
) -> Fetched | None:
    """Tell of a release that is here and whole; None where it has to be fetched."""
    if not os.path.lexists(app.release(release)):
        return None
    problem = ""
    try:
        seal = read_seal(app, release)
        if sha256 not in {None, seal.sha256}:
            problem = f"it was unpacked from an artifact with the SHA-256 {seal.sha256}, not {sha256}"
        else:
            problem = next(iter(verify_against(app, seal, ignoring)), "")
        if not problem:
            return fetched(seal, is_new=False)
    except DeployError as error:
        problem = error.message
    message = f"{app.release(release)} is not what was published: {problem}"
    if app.current_release() == release:
        raise DeployError(message, hint="it is being served, so it stays: deploy another release")
    say(f"{message}; it is fetched again")
    return None
