"""Releases published in a folder of the test, good ones and others."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import zstandard

from vawsum_agent.deploy.fetch.artifacts import Stored
from vawsum_agent.deploy.fetch.fetch import fetch_release
from vawsum_agent.deploy.fetch.means import Means
from vawsum_agent.deploy.fetch.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.core.errors import AwsError
    from vawsum_agent.deploy.fetch.fetched import Fetched
    from vawsum_agent.deploy.layout import AppFolder

Format = Literal[0, 1, 2]
RELEASE = "20261129T101500Z-4f2a91c"
OTHER = "20261130T101500Z-0011223"
RELEASED_AT = 1795947300
SITE = {"public/index.php": b"<?php echo 1;", "bin/console": b"#!/usr/bin/php", "deploy.toml": b""}
BLOCK_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an archive, however wrong."""

    name: str
    content: bytes = b""
    type: bytes = tarfile.REGTYPE
    mode: int = 0o644
    target: str = ""
    pax: dict[str, str] = field(default_factory=dict)
    size: int | None = None

    def to_bytes(self, how: Format = tarfile.PAX_FORMAT) -> bytes:
        """With its header and padding."""
        info = tarfile.TarInfo(self.name)
        info.type, info.mode, info.linkname, info.pax_headers = self.type, self.mode, self.target, self.pax
        info.size = len(self.content) if self.size is None else self.size
        head = info.tobuf(how, "utf-8", "surrogateescape")
        return head + self.content + bytes(-len(self.content) % tarfile.BLOCKSIZE)


def folder(name: str, mode: int = 0o755) -> Item:
    """A folder."""
    return Item(name, type=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str) -> Item:
    """A symbolic link."""
    return Item(name, type=tarfile.SYMTYPE, target=target)


def hardlink(name: str, target: str) -> Item:
    """Another name of a file."""
    return Item(name, type=tarfile.LNKTYPE, target=target)


def tar(*items: Item, how: Format = tarfile.PAX_FORMAT) -> bytes:
    """An archive with its end."""
    return b"".join(item.to_bytes(how) for item in items) + bytes(2 * tarfile.BLOCKSIZE)


def site(files: dict[str, bytes] | None = None) -> bytes:
    """The archive of a plain release."""
    return tar(*(Item(name, body, mode=0o755 if "bin/" in name else 0o644) for name, body in (files or SITE).items()))


@dataclass
class Published:
    """Keeps to `Artifacts`.

    Attributes:
        breaks: how many bytes the next requests give before they fail, and how.
        asked: from which offsets objects were streamed.
    """

    folder: Path
    breaks: list[tuple[int, AwsError | None]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    @property
    def where(self) -> str:
        """See `Artifacts`."""
        return "s3://artifacts/web/"

    def put(self, archive: bytes, release: str = RELEASE, suffix: str = ".tar.gz") -> str:
        """Publish an archive; give its SHA-256."""
        packed = gzip.compress(archive, 1) if suffix == ".tar.gz" else zstandard.compress(archive)
        return self.put_packed(packed, release, suffix)

    def put_packed(self, packed: bytes, release: str = RELEASE, suffix: str = ".tar.gz") -> str:
        """Publish whatever it is."""
        sha256 = hashlib.sha256(packed).hexdigest()
        (self.folder / f"{release}{suffix}").write_bytes(packed)
        (self.folder / f"{release}.sha256").write_text(f"{sha256}  {release}{suffix}\n")
        return sha256

    def names(self, release: str) -> list[Stored]:
        """See `Artifacts`."""
        return [Stored(path.name, path.stat().st_size) for path in sorted(self.folder.glob(f"{release}.*"))]

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """See `Artifacts`."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_bytes()[:most_bytes]
        return None

    def stream(self, name: str, offset: int) -> Iterator[bytes]:
        """See `Artifacts`."""
        self.asked.append(offset)
        left, error = self.breaks.pop(0) if self.breaks else (1 << 60, None)
        body = io.BytesIO((self.folder / name).read_bytes())
        body.seek(offset)
        while left and (block := body.read(min(left, BLOCK_BYTES))):
            left -= len(block)
            yield block
        if error is not None:
            raise error


def fetch(artifacts: Published, app: AppFolder, release: str = RELEASE, *, sha256: str | None = None) -> Fetched:
    """Fetch without waiting."""
    means = Means(patience=Patience(lambda _: None, lambda: 0.0))
    return fetch_release(artifacts, app, release, sha256=sha256, say=lambda _: None, means=means)


def everything(app: AppFolder) -> list[str]:
    """All names below an application's path, sorted, folders that a fetch keeps left out."""
    kept = {"releases", ".vawsum", ".vawsum/seals", ".vawsum/incoming"}
    found = [
        os.path.relpath(os.path.join(root, name), app.path)  # noqa: PTH118 - names may be anything
        for root, folders, files in os.walk(app.path)
        for name in [*folders, *files]
    ]
    return sorted(name for name in found if name not in kept)
