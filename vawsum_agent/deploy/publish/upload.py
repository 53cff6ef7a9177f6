"""An archive and its checksum on their way into S3, in this order: a release without a checksum does not exist.

Nothing is ever written over. When an answer is lost, S3 is asked what is there: the same bytes are ours.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.artifact_bucket import ObjectExists
from vawsum_agent.core.errors import AwsError, DeployError, NotFound, Unavailable
from vawsum_agent.deploy.fetch.wanted import checksum_name
from vawsum_agent.deploy.publish.names import artifact_name, checksum_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.aws.artifact_bucket import ArtifactHead, Document, StreamedUpload
    from vawsum_agent.deploy.publish.archive import Packed
    from vawsum_agent.deploy.publish.tries import Tries

PART_BYTES = 16 << 20
"""Memory holds one. Below it an archive is one request; 10,000 of them hold any release."""

_ZSTD = "application/zstd"
_TEXT = "text/plain"
_AGAIN = "nothing was published; publish again"


class Target(Protocol):
    """What is asked of the bucket; see `ArtifactBucket`."""

    def location(self, name: str) -> str:
        """See `ArtifactBucket.location`."""
        ...

    def put_new(self, name: str, body: bytes, content_type: str) -> str:
        """See `ArtifactBucket.put_new`."""
        ...

    def begin_upload(self, name: str, content_type: str, sha256: bytes) -> StreamedUpload:
        """See `ArtifactBucket.begin_upload`."""
        ...

    def head(self, name: str) -> ArtifactHead | None:
        """See `ArtifactBucket.head`."""
        ...

    def read(self, name: str, most_bytes: int) -> Document | None:
        """See `ArtifactBucket.read`."""
        ...


def upload(
    target: Target,
    release: str,
    archive: Path,
    packed: Packed,
    tries: Tries,
    on_sent: Callable[[int], object],
    part_bytes: int = PART_BYTES,
) -> None:
    """Publish an archive under the name of a release.

    Args:
        target: where to.
        release: its name.
        archive: the file.
        packed: what is known of it.
        tries: for how long.
        on_sent: told how many bytes S3 has.
        part_bytes: of each part but the last.

    Raises:
        DeployError: the name is taken, or the file is not what it was. Nothing was published.
        AwsError: of the last attempt. Nothing was published, but for `Unavailable` at the very end, when the release
            may exist, whole.
        OSError: the file can't be read.
    """
    name = artifact_name(release)
    parts = _parts(archive, packed, part_bytes)
    if packed.size_bytes <= part_bytes:
        _put(target, name, b"".join(parts), _ZSTD, tries)
        on_sent(packed.size_bytes)
    else:
        _send(target, name, parts, packed, tries, on_sent)
    # If we die here, the archive lies there without its checksum: no release. Publishing again makes a new one.
    _put(target, checksum_name(release), checksum_text(packed.sha256, name).encode(), _TEXT, tries)


def _put(target: Target, name: str, body: bytes, content_type: str, tries: Tries) -> None:
    def attempt() -> None:
        try:
            target.put_new(name, body, content_type)
        except ObjectExists as error:
            if not _is_there(target, name, body):
                raise _taken(target, name) from error
        except Unavailable as error:
            if not (error.maybe_done and _is_there(target, name, body)):
                raise

    tries.call(attempt)


def _is_there(target: Target, name: str, body: bytes) -> bool:
    """Whether these very bytes are there. Not where S3 does not say."""
    try:
        found = target.head(name)
    except AwsError:
        return False
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    return found is not None and (found.size_bytes, found.checksum) == (len(body), checksum)


def _send(
    target: Target,
    name: str,
    parts: Iterator[bytes],
    packed: Packed,
    tries: Tries,
    on_sent: Callable[[int], object],
) -> None:
    sent = tries.call(lambda: target.begin_upload(name, _ZSTD, bytes.fromhex(packed.sha256)))
    # If we die from here on, the parts lie in the bucket until its lifecycle rule aborts them; there is no object.
    try:
        sent_bytes = 0
        for number, body in enumerate(parts, 1):
            tries.call(lambda number=number, body=body: sent.send_part(number, body))  # type: ignore[misc]
            sent_bytes += len(body)
            on_sent(sent_bytes)
        tries.call(sent.complete)
    except ObjectExists as error:
        _abort(sent)
        raise _taken(target, name) from error
    except NotFound as error:
        message = f"the upload of {target.location(name)} was aborted by somebody, or the bucket is gone"
        raise DeployError(message, hint=_AGAIN) from error
    except BaseException:
        _abort(sent)
        raise


def _abort(sent: StreamedUpload) -> None:
    """Throw the parts away; where that can't be done now, the bucket's lifecycle rule does it."""
    with contextlib.suppress(AwsError):
        sent.abort()


def _parts(archive: Path, packed: Packed, part_bytes: int) -> Iterator[bytes]:
    """Give a file in parts. Raises DeployError before the last one when it is not the one that was packed."""
    whole = hashlib.sha256()
    left = packed.size_bytes
    with archive.open("rb") as file:
        while left:
            body = file.read(min(part_bytes, left))
            whole.update(body)
            left -= len(body)
            if not body or (not left and whole.hexdigest() != packed.sha256):
                message = f"{archive} is not what was written to it"
                raise DeployError(message, hint=f"{_AGAIN}, and look after the disk")
            yield body


def _taken(target: Target, name: str) -> DeployError:
    return DeployError(f"{target.location(name)} exists already", hint=_AGAIN)
