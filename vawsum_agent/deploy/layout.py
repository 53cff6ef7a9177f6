"""Where what lies under the path of an application. Only names; what is made of them is the steps' work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.deploy.release_id import is_release_id

if TYPE_CHECKING:
    from pathlib import Path

_RELEASES = "releases"


@dataclass(frozen=True, slots=True)
class AppFolder:
    """The folder of one application.

    Attributes:
        path: absolute; belongs to root, or to the one user who does everything.
    """

    path: Path

    @property
    def releases(self) -> Path:
        """Holds a folder a release; one that is there is whole and sealed, since it gets its name last."""
        return self.path / _RELEASES

    @property
    def shared(self) -> Path:
        """What outlives releases: uploads, caches, sessions."""
        return self.path / "shared"

    @property
    def secrets(self) -> Path:
        """Holds a folder a release with what it must not be published with."""
        return self.path / "secrets"

    @property
    def current(self) -> Path:
        """The link that the web server serves."""
        return self.path / "current"

    @property
    def journal(self) -> Path:
        """The agent's own: records, locks, seals. Nobody else may read it."""
        return self.path / ".vawsum"

    @property
    def seals(self) -> Path:
        """Holds ``{release}.json`` a release: the hashes of what was unpacked."""
        return self.journal / "seals"

    def release(self, release: str) -> Path:
        """The folder of a release, of which nobody says that it exists."""
        return self.releases / release

    def target(self, release: str) -> str:
        """What ``current`` holds while a release is served; relative, so that a chroot sees the same."""
        return f"{_RELEASES}/{release}"

    def current_release(self) -> str | None:
        """Which release ``current`` points to; None where it is no link of ours.

        Raises:
            OSError: it can't be read.
        """
        try:
            target = self.current.readlink()
        except FileNotFoundError:
            return None
        except OSError as exc:
            if not self.current.is_symlink() and self.current.exists():
                return None
            raise exc from None
        absolute = target if target.is_absolute() else self.path / target
        return absolute.name if absolute.parent == self.releases and is_release_id(absolute.name) else None
