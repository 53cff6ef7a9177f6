"""Under which path of the site each folder is served, and that no two claim the same one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.text import toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.config.model import ImagesFolder


class AddressError(AgentError):
    """The folders can't be served as they are configured."""


@dataclass(frozen=True, slots=True)
class Address:
    """A folder that pictures move out of, and where they are asked for.

    Attributes:
        url_path: begins and ends with a slash; decoded, as the web server sees it.
        inner: the ends of `url_path` below which another folder is served.
    """

    folder: ImagesFolder
    url_path: str
    inner: tuple[str, ...]


def addresses(folders: Iterable[ImagesFolder]) -> list[Address]:
    """Give the folders that have a `public_url`, those within others first.

    Raises:
        AddressError: two are served at the same path, or a path can't stand in a configuration.
    """
    found: dict[str, ImagesFolder] = {}
    for folder in folders:
        if not folder.public_url:
            continue
        if not folder.path.isprintable():
            message = f"images.folder {toml(folder.name)}: path = {toml(folder.path)} holds control characters"
            raise AddressError(message, hint="Apache's configuration can't name such a folder: rename it")
        url_path = folder.served_at
        other = found.setdefault(url_path, folder)
        if other is not folder:
            message = f"images.folder {toml(other.name)} and {toml(folder.name)} are both served at {url_path}"
            raise AddressError(message, hint="give one of them a url_path of its own")
    inmost_first = sorted(found, key=lambda path: (-path.count("/"), path))
    return [Address(found[path], path, _within(path, found)) for path in inmost_first]


def _within(path: str, others: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(other.removeprefix(path) for other in others if other != path and other.startswith(path)))
