"""Downloads: gone on with, bounded, and never believed before their checksum."""

from __future__ import annotations

import io

import pytest

from tests.unit.deploy.fetch.published import BLOCK_BYTES, RELEASE, Published
from vawsum_agent.core.errors import AccessDenied, AwsError, DeployError, NotFound, Unavailable
from vawsum_agent.deploy.fetch.download import download
from vawsum_agent.deploy.fetch.patience import Patience
from vawsum_agent.deploy.fetch.refused import Refused
from vawsum_agent.deploy.fetch.wanted import Wanted

BODY = bytes(range(251)) * 40
NAME = f"{RELEASE}.tar.gz"
BROKEN = Unavailable("the connection broke")


def downloaded(published: Published, *, size_bytes: int = len(BODY), naps: list[float] | None = None) -> bytes:
    """Download it."""
    sha256 = published.put_packed(BODY)
    file = io.BytesIO()
    patience = Patience((naps if naps is not None else []).append, lambda: 0.0)
    download(published, Wanted(NAME, ".tar.gz", size_bytes, sha256), file, patience, lambda _: None)
    return file.getvalue()


def test_at_once(published: Published) -> None:
    """One request is enough."""
    assert downloaded(published) == BODY
    assert published.asked == [0]


def test_broken_connections(published: Published) -> None:
    """It goes on where it was, also when a connection ends without saying so, with growing waits between."""
    published.breaks = [(0, BROKEN), (0, BROKEN), (2500, BROKEN), (1, None), (0, None), (BLOCK_BYTES, BROKEN)]
    naps: list[float] = []
    assert downloaded(published, naps=naps) == BODY
    assert published.asked == [0, 0, 0, 2500, 2501, 2501, 3501]
    assert naps == [0.5, 1.0, 0.5, 0.5, 1.0, 0.5]


def test_no_progress(published: Published) -> None:
    """Six attempts in a row that bring nothing are enough, however many brought something before."""
    published.breaks = [*[(BLOCK_BYTES, BROKEN)] * 4, *[(0, BROKEN)] * 100]
    naps: list[float] = []
    with pytest.raises(Unavailable, match="the connection broke"):
        downloaded(published, naps=naps)
    assert len(published.asked) == 4 + 5
    assert max(naps) <= 10


@pytest.mark.parametrize("error", [NotFound("it is gone"), AccessDenied("not allowed")])
def test_refused(published: Published, error: AwsError) -> None:
    """What waiting does not mend is not waited for."""
    published.breaks = [(0, error)]
    with pytest.raises(AwsError, match=error.message):
        downloaded(published)
    assert published.asked == [0]


def test_credentials_that_end(published: Published) -> None:
    """Access that worked a moment ago is tried again: credentials are being renewed."""
    published.breaks = [(1000, AccessDenied("expired"))]
    assert downloaded(published) == BODY


def test_shorter(published: Published) -> None:
    """An object that ends early is asked for its rest, and then told of in one line."""
    with pytest.raises(Unavailable, match=f"{NAME} ends at byte 10,040 of 10,041"):
        downloaded(published, size_bytes=len(BODY) + 1)


def test_larger(published: Published) -> None:
    """An object that grew is not written to the disk for ever."""
    with pytest.raises(Refused, match="larger than the 5,000 bytes"):
        downloaded(published, size_bytes=5000)


def test_other_bytes(published: Published) -> None:
    """A checksum that does not hold is told with both values."""
    sha256 = published.put_packed(BODY)
    (published.folder / NAME).write_bytes(BODY[::-1])
    with pytest.raises(Refused, match=f"has the SHA-256 .*, and its checksum says {sha256}"):
        download(published, Wanted(NAME, ".tar.gz", len(BODY), sha256), io.BytesIO(), Patience(), lambda _: None)


def test_full_disk(published: Published) -> None:
    """A disk that is full is told as that."""
    sha256 = published.put_packed(BODY)
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(DeployError, match="No space left on device"):  # noqa: PTH123
        download(published, Wanted(NAME, ".tar.gz", len(BODY), sha256), full, Patience(), lambda _: None)
