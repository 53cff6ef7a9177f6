"""What systemd's units must be told of the folders: the daemon has to see them, the owner's helper to write them. Pure.

The units that are shipped hide where applications lie, and can't know which folders are configured: a drop-in for each
says so, made of the configuration. What systemd would read as something else in a path is written so that it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.text import toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.config.model import ImagesFolder

DAEMON = "vawsum-agent.service"
FILE = "/etc/systemd/system/{unit}.d/vawsum-images.conf"

HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome= hides (systemd.exec(5)); below it nothing can be opened again, unless it is hidden by a tmpfs."""

READ_ONLY_FOR_HELPER = ("/usr", "/boot", "/efi", "/etc", "/run", "/var/log", "/var/cache", "/var/spool")
"""ProtectSystem=full and ReadOnlyPaths= of the helper's unit."""

_HEAD = """\
# {what}
# Written by `vawsum-agent {command}`: change the agent's configuration and write it again, never this file.
#   mkdir -p {folder}
#   vawsum-agent {command} > {file}
#   systemctl daemon-reload{then}

[Service]
"""


class UnitError(AgentError):
    """A folder can't be named in a unit."""


def helper_unit(owner: str) -> str:
    """Name the service that removes the files of an owner."""
    return f"vawsum-agent-owner@{owner}.service"


def installing(owner: str = "") -> str:
    """Say in one line how the drop-in is put into place: the daemon's, or that of an owner's helper."""
    file = FILE.format(unit=helper_unit(owner) if owner else DAEMON)
    command = f"vawsum-agent images systemd-config{f' --owner {owner}' if owner else ''}"
    then = "" if owner else " && systemctl restart vawsum-agent"
    return f"mkdir -p {file.rpartition('/')[0]} && {command} > {file} && systemctl daemon-reload{then}"


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of the folders, or lies in one."""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def daemon_drop_in(folders: Iterable[ImagesFolder]) -> str:
    """Write what lets the daemon see the folders.

    A folder that is missing when the service starts is passed over: logs and metrics shall run without it.

    Raises:
        UnitError: a path holds control characters.
    """
    paths = _paths(folders)
    lines = ["ProtectHome=tmpfs"] if any(is_below(path, HOMES) for path in paths) else []
    lines += [f"BindReadOnlyPaths={_word(path, '-')}" for path in paths]
    what = "Lets the agent see the folders whose images move, and nothing else of what its unit hides."
    return _drop_in(DAEMON, "images systemd-config", what, " && systemctl restart vawsum-agent", lines)


def helper_drop_in(folders: Iterable[ImagesFolder], owner: str) -> str:
    """Write what lets the helper of an owner remove from the folders; mostly it may already.

    Raises:
        UnitError: a path holds control characters.
    """
    paths = _paths(folder for folder in folders if folder.owner == owner and folder.delete_local)
    at_home = [path for path in paths if is_below(path, HOMES)]
    lines = ["ProtectHome=tmpfs"] if at_home else []
    lines += [f"BindPaths={_word(path, '-')}" for path in at_home]
    lines += [
        f"ReadWritePaths={_word(path, '-')}"
        for path in paths
        if path not in at_home and is_below(path, READ_ONLY_FOR_HELPER)
    ]
    what = f"Lets the helper of {owner} remove images that have moved."
    return _drop_in(
        helper_unit(owner), f"images systemd-config --owner {owner}", what, "", lines or ["# Nothing: it may already."]
    )


def _paths(folders: Iterable[ImagesFolder]) -> list[str]:
    paths = [*dict.fromkeys(folder.path for folder in folders)]
    for path in paths:
        if not path.isprintable():
            message = f"path = {toml(path)} holds control characters"
            raise UnitError(message, hint="systemd's units can't name such a folder: rename it")
    return paths


def _drop_in(unit: str, command: str, what: str, then: str, lines: list[str]) -> str:
    file = FILE.format(unit=unit)
    head = _HEAD.format(what=what, command=command, folder=file.rpartition("/")[0], file=file, then=then)
    return head + "".join(f"{line}\n" for line in lines)


def _word(path: str, mark: str) -> str:
    """Write a path as one word (systemd.syntax(7)): quoted unless it is plain; ``%`` would begin a specifier."""
    path = path.replace("%", "%%")
    if all(character.isalnum() or character in "/._-+@%" for character in path):
        return mark + path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{mark}{escaped}"'
