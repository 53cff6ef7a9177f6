"""Reading secrets from S3: all of them are here and good, or none is used."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from vawsum_agent.aws.secret_bucket import NO_VERSION
from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AwsError, DeployError, NotFound
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.secrets.names import checked_paths
from vawsum_agent.deploy.secrets.pins import Pins, pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vawsum_agent.aws.secret_bucket import SecretVersion

LARGEST_BYTES = 1 << 20
_LARGEST_TOGETHER_BYTES = 16 << 20
_TRIES = 6
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 8.0

_T = TypeVar("_T")


class SecretSource(Protocol):
    """The folder of S3; see `vawsum_agent.aws.secret_bucket.SecretBucket`."""

    folder: str

    def newest(self) -> Iterator[SecretVersion]:
        """Give the newest version of each secret, deleted ones too."""
        ...

    def read(self, name: str, version_id: str, most_bytes: int) -> bytes:
        """Read one version of a secret, all of it."""
        ...


def read_newest(source: SecretSource, sleep: Callable[[float], None]) -> tuple[Pins, dict[str, bytes]]:
    """Read all secrets as they are now, each by its version.

    Raises:
        DeployError: there is none, one is deleted, empty, too large or has no version, or a name can be no file's.
        AwsError: S3 does not give them.
    """
    rows = _told(_patiently(lambda: list(source.newest()), sleep), source.folder)
    pins: dict[str, str] = {row.name: row.version_id for row in rows}
    contents = {name: _read(source, name, version_id, sleep) for name, version_id in sorted(pins.items())}
    for name, content in contents.items():
        if not content.strip():
            raise _bad(source.folder, name, "is empty")
    return Pins(folder=source.folder, secrets={name: pin(pins[name], contents[name]) for name in contents}), contents


def read_pinned(source: SecretSource, pins: Pins, sleep: Callable[[float], None]) -> dict[str, bytes]:
    """Read a release's secrets again, by the versions that were pinned.

    Raises:
        DeployError: they were pinned in another folder, or one is not what it was.
        AwsError: S3 does not give them; `NotFound` where a version is gone for good.
    """
    if pins.folder != source.folder:
        message = f"the release's secrets are in {pins.folder}, and deploy.app.secrets is {source.folder}"
        raise DeployError(message, hint="deploy another release, or write the former folder into the configuration")
    contents = {}
    for name, pinned in sorted(pins.secrets.items()):
        contents[name] = _read(source, name, pinned.version_id, sleep)
        if not pinned.fits(contents[name]):
            raise _bad(source.folder, name, f"is not what version {pinned.version_id} was")
    return contents


def _told(rows: Iterable[SecretVersion], folder: str) -> Sequence[SecretVersion]:
    """Sort out what a listing tells: nothing is read before all of it can become files."""
    # The console makes an empty object of a folder's name when somebody makes a folder.
    found = [row for row in rows if row.name and not (row.name.endswith("/") and not row.size_bytes)]
    if all(row.is_deleted for row in found):
        hint = "store the application's secrets there, or remove deploy.app.secrets"
        raise DeployError(f"no secret is below {folder}", hint=hint)
    checked_paths(row.name for row in found)
    for row in found:
        if row.is_deleted:
            hint = "put it back by removing its delete marker; if it is to go for good, remove all its versions"
            raise _bad(folder, row.name, "was deleted", hint)
        if row.version_id in {"", NO_VERSION}:
            hint = "switch the bucket's versioning on and store the secrets anew: a rollback needs the earlier ones"
            raise _bad(folder, row.name, "has no version", hint)
        if not row.size_bytes:
            raise _bad(folder, row.name, "is empty")
        if row.size_bytes > LARGEST_BYTES:
            raise _bad(folder, row.name, f"has {row.size_bytes} bytes, where a secret has at most {LARGEST_BYTES}")
    if sum(row.size_bytes for row in found) > _LARGEST_TOGETHER_BYTES:
        raise DeployError(f"the secrets below {folder} have more than {_LARGEST_TOGETHER_BYTES} bytes together")
    return found


def _read(source: SecretSource, name: str, version_id: str, sleep: Callable[[float], None]) -> bytes:
    try:
        return _patiently(lambda: source.read(name, version_id, LARGEST_BYTES), sleep)
    except NotFound as error:
        if error.code == "NoSuchBucket":
            raise
        raise _bad(source.folder, name, f"has no version {version_id} any more") from error
    except AccessDenied as error:
        if "kms" not in error.message.lower():
            raise
        hint = "allow the instance role kms:Decrypt on the secrets' key, in the role's policy and in the key's own"
        raise DeployError(error.message, hint=hint) from error


def _patiently(call: Callable[[], _T], sleep: Callable[[float], None]) -> _T:
    """Try again what may help, for some seconds; what is denied is denied."""
    for attempt in range(_TRIES):
        try:
            return call()
        except AwsError as error:
            if not error.retryable or isinstance(error, AccessDenied) or attempt == _TRIES - 1:
                raise
        spread = random.random()  # noqa: S311 - jitter
        sleep(backoff_s(attempt, spread, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S))
    raise AssertionError


def _bad(folder: str, name: str, what: str, hint: str = "") -> DeployError:
    hint = hint or "store the secret anew, then deploy again"
    return DeployError(f"{printable(folder + name)} {what}", hint=hint)
