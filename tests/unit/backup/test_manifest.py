"""A manifest is read as it was written, or refused in one line."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backup.manifests import FRAMES, manifest
from vawsum_agent.backup.manifest import Frame, Manifest, decode, encode
from vawsum_agent.core.errors import BackupError


def test_read_as_written() -> None:
    """Every field."""
    told = manifest(flags=["odd"])
    assert decode(encode(told), "here") == told
    assert [frame.name for frame in told.tables()] == ["pupils"]


def test_frozen_sample() -> None:
    """The form of today's is what later agents have to read."""
    told = orjson.loads(encode(manifest()))
    assert told["format"] == 1
    assert set(told) == {
        *("format", "backup_id", "server", "started_at", "finished_at", "duration_s", "host", "hostname"),
        *("agent_version", "flavour", "server_version", "client", "binlog", "generation", "dump", "grants"),
        *("account_count", "databases", "frames", "flags"),
    }
    assert told["frames"][2]["offset"] == 150
    assert told["frames"][2]["rows"] == 3


@pytest.mark.parametrize(
    "frames",
    [
        [],
        FRAMES[:2],
        [FRAMES[0], FRAMES[2]],
        [*FRAMES, Frame(kind="tail", offset=1000, size_bytes=1, raw_bytes=1)],
        [Frame(kind="head", offset=0, size_bytes=0, raw_bytes=0), *FRAMES],
    ],
)
def test_frames_that_are_not_the_dump(frames: list[Frame]) -> None:
    """A gap, an overlap or an end before the end would restore less than all."""
    with pytest.raises(BackupError, match="not the whole dump"):
        decode(encode(manifest(frames=frames)), "here")


@pytest.mark.parametrize("changed", [manifest(started_at="yesterday"), manifest(finished_at="")])
def test_times_that_are_none(changed: Manifest) -> None:
    """Whoever shows or reckons with them need not wonder."""
    with pytest.raises(BackupError, match="no manifest"):
        decode(encode(changed), "here")


def test_later_format() -> None:
    """It says what to do."""
    later = orjson.dumps(orjson.loads(encode(manifest())) | {"format": 2})
    with pytest.raises(BackupError, match="later agent"):
        decode(later, "here")


@given(st.binary(max_size=200))
def test_anything_else(content: bytes) -> None:
    """The bucket may hold anything under that name."""
    with pytest.raises(BackupError):
        decode(content, "here")
