"""Which object is a release, and what it must be."""

from __future__ import annotations

import pytest

from tests.unit.deploy.fetch.published import RELEASE
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.artifacts import Stored
from vawsum_agent.deploy.fetch.wanted import Wanted, wanted

SUM = "0123456789abcdef" * 4
WHERE = "s3://artifacts/web/"
GZIP, ZSTD = Stored(f"{RELEASE}.tar.gz", 9), Stored(f"{RELEASE}.tar.zst", 8)


@pytest.mark.parametrize(
    ("stored", "checksum", "expected"),
    [
        ([GZIP], f"{SUM}\n", Wanted(GZIP.name, ".tar.gz", 9, SUM)),
        ([ZSTD], SUM, Wanted(ZSTD.name, ".tar.zst", 8, SUM)),
        ([GZIP], f"{SUM}  {GZIP.name}\n", Wanted(GZIP.name, ".tar.gz", 9, SUM)),
        ([GZIP, ZSTD], f"{SUM} *{ZSTD.name}\n", Wanted(ZSTD.name, ".tar.zst", 8, SUM)),
    ],
)
def test_found(stored: list[Stored], checksum: str, expected: Wanted) -> None:
    """By either packing, with a checksum that is bare or names its file."""
    there = [*stored, Stored(f"{RELEASE}.sha256", 65), Stored(f"{RELEASE}.tar.gz.old", 1)]
    assert wanted(WHERE, RELEASE, there, checksum.encode(), None) == expected
    assert wanted(WHERE, RELEASE, there, checksum.encode(), SUM) == expected


@pytest.mark.parametrize(
    ("stored", "checksum", "reason"),
    [
        ([GZIP], None, f"{WHERE}{RELEASE}.sha256 is missing: there is no release"),
        ([GZIP], b"", "holds no SHA-256"),
        ([GZIP], SUM[1:].encode(), "holds no SHA-256"),
        ([GZIP], SUM.upper().encode(), "holds no SHA-256"),
        ([GZIP], f" {SUM}".encode(), "holds no SHA-256"),
        ([GZIP], f"{SUM}\n{SUM}\n".encode(), "holds no SHA-256"),
        ([GZIP], f"{SUM}  \x1b[2J\n".encode(), "holds no SHA-256"),
        ([GZIP], f"{SUM}  other.tar.gz\n".encode(), "the checksum of other.tar.gz"),
        ([GZIP], f"{SUM}  {ZSTD.name}\n".encode(), f"{ZSTD.name} is missing"),
        ([], SUM.encode(), f"no artifact of {RELEASE}"),
        ([GZIP, ZSTD], SUM.encode(), "nothing says which one"),
        ([Stored(GZIP.name, 0)], SUM.encode(), "is empty"),
    ],
)
def test_not_found(stored: list[Stored], checksum: bytes | None, reason: str) -> None:
    """What is not whole there, or not clearly so, is not deployed."""
    with pytest.raises(DeployError, match=reason.replace("[", r"\[")):
        wanted(WHERE, RELEASE, stored, checksum, None)


def test_another_than_was_asked_for() -> None:
    """Whoever says which bytes are meant gets those or none."""
    with pytest.raises(DeployError, match=f"has the SHA-256 {SUM}, and {'0' * 64} is asked for"):
        wanted(WHERE, RELEASE, [GZIP], SUM.encode(), "0" * 64)
