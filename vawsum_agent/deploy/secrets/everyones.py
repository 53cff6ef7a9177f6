"""The values of all secrets of a host, whichever application and release they belong to.

A hook runs as the web server's user, who can read the secrets of every application that is served by it. So what a hook
of one of them prints may be a password of another.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vawsum_agent.deploy.secrets.files import SecretFiles
from vawsum_agent.deploy.secrets.values import secret_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vawsum_agent.deploy.layout import AppFolder


def everyones_values(apps: Iterable[AppFolder]) -> set[bytes]:
    """Give the values of all secrets that are on disk, whatever their pins say; what can't be read is left out.

    Nothing is raised where another application's folder is damaged: its own deploys say so.
    """
    # Most secrets are the same in every release: each content is looked at once.
    contents = {content for app in apps for content in _on_disk(app)}
    return {value for content in contents for value in secret_values(content)}


def _on_disk(app: AppFolder) -> Iterator[bytes]:
    with suppress(OSError):
        for folder in app.secrets.iterdir():
            yield from _of_release(SecretFiles(app, folder.name, None))


def _of_release(files: SecretFiles) -> Iterator[bytes]:
    with suppress(OSError):  # removed in this moment, by a deploy of that application
        for path in files.folder.rglob("*"):
            with suppress(OSError):  # a folder
                yield files.read(str(path.relative_to(files.folder))) or b""
