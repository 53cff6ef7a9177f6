"""Reading a file: all of it, looked at block by block, or not at all."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.aws.objects import ContentChanged
from vawsum_agent.images.upload.content import LARGE_BYTES, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file."""
    return tmp_path / "a.jpg"


@pytest.mark.parametrize("size_bytes", [1, 100_000, LARGE_BYTES, LARGE_BYTES + 1])
def test_all_of_it_is_looked_at_and_hashed(path: Path, size_bytes: int) -> None:
    """Blocks in order make up the file; only what is not too large is held."""
    body = os.urandom(size_bytes)
    path.write_bytes(body)
    blocks: list[bytes] = []
    with path.open("rb") as file:
        file.seek(7)
        content = read(file.fileno(), size_bytes, blocks.append)
        assert file.tell() == 7
    assert b"".join(blocks) == body
    assert content.sha256 == hashlib.sha256(body).digest()
    assert content.body == (body if size_bytes <= LARGE_BYTES else None)


@pytest.mark.parametrize("size_bytes", [1000, LARGE_BYTES + 1000])
@pytest.mark.parametrize("change", [-1, 1])
def test_another_size_is_a_change(path: Path, size_bytes: int, change: int) -> None:
    """A file that is shorter or longer than it was is not read as if it were whole."""
    path.write_bytes(b"x" * (size_bytes + change))
    with path.open("rb") as file, pytest.raises(ContentChanged):
        read(file.fileno(), size_bytes, lambda _: None)
