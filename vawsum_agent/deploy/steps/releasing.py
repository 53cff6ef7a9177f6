"""A release as files: fetched, prepared, kept or cleared away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.units import format_bytes
from vawsum_agent.deploy.fetch.fetch import fetch_release
from vawsum_agent.deploy.fetch.leftovers import clear_leftovers
from vawsum_agent.deploy.fetch.seal import seal_path
from vawsum_agent.deploy.hooks.release_file import load_release_file
from vawsum_agent.deploy.keep.remove import present_releases, remove_release
from vawsum_agent.deploy.keep.surplus import surplus
from vawsum_agent.deploy.prepare.prepare import prepare
from vawsum_agent.deploy.secrets import clear_secrets, fetch_secrets, link_secrets, read_secrets
from vawsum_agent.deploy.secrets.pins import read_pins

if TYPE_CHECKING:
    from vawsum_agent.deploy.secrets import Secrets
    from vawsum_agent.deploy.steps.here import Here


class Releasing:
    """Of one deploy."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def fetch(self) -> str:
        """Have the release and its secrets here, whole; nothing that is served is touched."""
        here = self._here
        # A removal that was cut off would else take the secrets that come now for those that have to go.
        clear_leftovers(here.folder, coming=here.release)
        if self._was_here_before_us():
            return "here since before there was a journal, and not sealed: served as it lies there"
        # One that served before takes its own secrets along. One that never did, or was removed with them since, gets
        # the newest.
        is_new = here.release not in here.healthy() or self._was_removed()
        secrets = fetch_secrets(
            here.secrets,
            here.folder,
            here.release,
            group=here.app.secrets_group,
            renew=is_new,
            say=here.say,
            sleep=here.sleep,
        )
        self._keep_quiet_about(secrets)
        fetched = fetch_release(
            here.artifacts,
            here.folder,
            here.release,
            sha256=here.record.sha256 or None,
            say=here.say,
            ignoring=self._made_here(secrets),
        )
        size = f"{fetched.files} files, {format_bytes(fetched.size_bytes)}"
        return f"{size}, sha256 {fetched.sha256}" if fetched.is_new else f"{size}, here and whole already"

    def prepare(self) -> str:
        """Link what is shared and secret into the release, and open what it may write to."""
        here = self._here
        file = load_release_file(here.folder.release(here.release))
        linked = prepare(here.folder, here.release, file, web_user=here.app.web_user, say=here.say)
        secrets = read_secrets(here.folder, here.release)
        self._keep_quiet_about(secrets)
        link_secrets(here.folder, here.release, secrets.paths)
        return f"{len(linked)} shared, {len(file.writable)} writable, {len(secrets.paths)} secret"

    def keep(self) -> str:
        """Remove the releases that are too many."""
        here = self._here
        healthy = [here.release, *here.healthy()]
        previous = here.record.previous or None
        removed = surplus(
            present_releases(here.folder), healthy, here.folder.current_release(), previous, here.app.keep_releases
        )
        for release in removed:
            self._remove(release)
        clear_leftovers(here.folder)
        return f"removed {', '.join(removed)}" if removed else "no release is too many"

    def clear(self) -> str:
        """Remove the release that failed, unless it served before; it is nothing to go back to."""
        here = self._here
        clear_leftovers(here.folder)
        is_wanted = here.release in {*here.healthy(), here.record.previous, here.folder.current_release()}
        if is_wanted or here.release not in present_releases(here.folder):
            # Secrets are there before the release is.
            if not is_wanted:
                clear_secrets(here.folder, here.release)
            return ""
        self._remove(here.release)
        return f"{here.release} is removed from this host"

    def _was_here_before_us(self) -> bool:
        """Whether it served well when the first deploy replaced it: it was never published, nor fetched."""
        here = self._here
        is_here = here.folder.release(here.release).is_dir() and not seal_path(here.folder, here.release).exists()
        return is_here and here.release in here.healthy()

    def _was_removed(self) -> bool:
        here = self._here
        return here.release not in present_releases(here.folder) and read_pins(here.folder, here.release) is None

    def _remove(self, release: str) -> None:
        remove_release(self._here.folder, release)
        clear_secrets(self._here.folder, release)

    def _made_here(self, secrets: Secrets) -> frozenset[str]:
        """Name what is in the release's folder without having come with its artifact."""
        folder = self._here.folder.release(self._here.release)
        if not folder.is_dir():
            return frozenset()
        try:
            file = load_release_file(folder)
        except DeployError:
            # Nobody has seen yet whether it is what was unpacked. If it is not, all of it is fetched again.
            return secrets.paths
        opened = {path.removesuffix("/") for path in (*file.shared, *file.writable)}
        return frozenset({*opened, *secrets.paths})

    def _keep_quiet_about(self, secrets: Secrets) -> None:
        for value in secrets.values:
            self._here.redactor.add(value)
