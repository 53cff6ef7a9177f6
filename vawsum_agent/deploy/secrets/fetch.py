"""The secrets of a release, on this host: fetched, pinned, kept, found again, and removed.

A release keeps the versions it was prepared with, so that a rollback takes its own secrets along. What the release that
is served has is never exchanged under it: new secrets come with a new release.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.release_id import checked_release_id
from vawsum_agent.deploy.secrets.files import SecretFiles, group_id
from vawsum_agent.deploy.secrets.pins import Pins, read_pins, remove_pins, write_pins
from vawsum_agent.deploy.secrets.source import read_newest, read_pinned
from vawsum_agent.deploy.secrets.values import secret_values
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.secrets.source import SecretSource


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a release has.

    Attributes:
        values: to be taken out of everything that is said, by `deploy.redact`.
        paths: of the files, below the release's folder; none for a release without secrets.
    """

    values: list[bytes] = field(default_factory=list, repr=False)
    paths: frozenset[str] = frozenset()


def fetch_secrets(
    bucket: SecretSource | None,
    app: AppFolder,
    release: str,
    *,
    group: str,
    renew: bool,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Secrets:
    """Have a release's secrets on this host as files. Safe to call again after a crash at any instant inside it.

    Nothing is written before all of them were read and are good. The release that is served keeps what it has.

    Args:
        bucket: where they are; None where none are configured.
        app: whose.
        release: which.
        group: may read them, beside root.
        renew: take the newest versions and pin them, as for a release that never served; else exactly the pinned
            ones, from disk where they are whole. A release without pins then has no secrets.
        say: is told what is done.
        sleep: waits between tries.

    Raises:
        DeployError: a secret is missing, empty or no file's name; or the folder is not ours, or the disk is full.
        AwsError: S3 does not give them.
    """
    checked_release_id(release)
    own_folder(app.path)
    files = SecretFiles(app, release, group_id(group))
    pins = read_pins(app, release)
    if renew and app.current_release() == release:
        say(f"{release} is being served and keeps the secrets it has: publish a new release for newer ones")
    elif renew:
        return _renew(bucket, files, say, sleep)
    if pins is None:
        return Secrets()
    contents = _on_disk(files, pins)
    if contents is None:
        if bucket is None:
            hint = f'set deploy.app.secrets to "{pins.folder}" again, or deploy another release'
            raise DeployError(f"the secrets of {release} are gone from {files.folder}", hint=hint)
        say(f"fetching the secrets that {release} was prepared with")
        contents = read_pinned(bucket, pins, sleep)
    # Also where all are whole: a temporary that a crash has left may hold a secret.
    files.write(contents)
    return _secrets(contents)


def read_secrets(app: AppFolder, release: str) -> Secrets:
    """Give what is on disk of a release's secrets, without asking anybody; all of its paths, whatever is there.

    Raises:
        DeployError: the pins make no sense.
    """
    pins = read_pins(app, checked_release_id(release))
    files = SecretFiles(app, release, None)
    found = {path: files.read(path) for path in (pins.secrets if pins else ())}
    values = _secrets({path: content for path, content in found.items() if content is not None}).values
    return Secrets(values, frozenset(found))


def clear_secrets(app: AppFolder, release: str) -> None:
    """Remove a release's secrets and its pins; fine where there are none.

    Safe to call again after a crash at any instant inside it.

    Raises:
        DeployError: the release is being served, or they can't be removed.
    """
    if app.current_release() == checked_release_id(release):
        raise DeployError(f"{release} is being served, so its secrets stay", hint="switch to another release first")
    own_folder(app.path)
    SecretFiles(app, release, None).remove()
    # If we die here, the pins are left, which name versions and hold no values; the next call removes them.
    remove_pins(app, release)


def _renew(
    bucket: SecretSource | None, files: SecretFiles, say: Callable[[str], None], sleep: Callable[[float], None]
) -> Secrets:
    if bucket is None:
        clear_secrets(files.app, files.release)
        return Secrets()
    pins, contents = read_newest(bucket, sleep)
    write_pins(files.app, files.release, pins)
    # If we die here or amid the files, they are not what the pins say: the next call that does not renew fetches what
    # is pinned, and one that renews begins anew.
    files.write(contents)
    say(f"{len(contents)} {'secret' if len(contents) == 1 else 'secrets'} from {bucket.folder}")
    return _secrets(contents)


def _on_disk(files: SecretFiles, pins: Pins) -> dict[str, bytes] | None:
    """Give all contents; None where one is missing, or not what was pinned."""
    found: dict[str, bytes] = {}
    for path, pinned in pins.secrets.items():
        content = files.read(path)
        if content is None or not pinned.fits(content):
            return None
        found[path] = content
    return found


def _secrets(contents: Mapping[str, bytes]) -> Secrets:
    values = {value for content in contents.values() for value in secret_values(content)}
    return Secrets(sorted(values, key=lambda value: (-len(value), value)), frozenset(contents))
