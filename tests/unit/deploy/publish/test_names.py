"""How releases and their objects are named."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.wanted import checksum_name
from vawsum_agent.deploy.publish.names import artifact_name, checksum_text, published, release_id
from vawsum_agent.deploy.release_id import is_release_id

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "4f2a91c001127f3a8d2b6c5e4f3a2b1c0d9e8f7a"
AT = 1_796_033_700.9


def test_a_release_is_named_by_its_moment_and_its_commit() -> None:
    """UTC to the second, and twelve digits; files that are not the commit's say so; all are names of releases."""
    assert release_id(AT, COMMIT) == "20261130T101500Z-4f2a91c00112"
    assert release_id(AT, COMMIT, is_modified=True) == "20261130T101500Z-4f2a91c00112dirty"
    for is_modified in (False, True):
        assert is_release_id(release_id(AT, COMMIT, is_modified=is_modified))


def test_sha256sum_checks_it(tmp_path: Path) -> None:
    """What is written beside an artifact is what `sha256sum -c` reads."""
    release = release_id(AT, COMMIT)
    (tmp_path / artifact_name(release)).write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / checksum_name(release)).write_text(checksum_text(empty, artifact_name(release)))
    subprocess.run(["sha256sum", "--check", "--strict", checksum_name(release)], cwd=tmp_path, check=True)


def test_a_release_without_a_checksum_does_not_exist() -> None:
    """Nor one without an artifact, nor what is named otherwise; the others come by their age."""
    names = [
        "20261129T101500Z-bbb.tar.gz",
        "20261129T101500Z-bbb.sha256",
        "20261128T101500Z-aaa.tar.zst",
        "20261128T101500Z-aaa.sha256",
        "20261127T101500Z-ccc.tar.zst",
        "20261126T101500Z-ddd.sha256",
        "latest.tar.zst",
        "latest.sha256",
        "CURRENT.json",
    ]
    assert published(names) == ["20261128T101500Z-aaa", "20261129T101500Z-bbb"]
