"""Each section is a frame that can be decompressed alone; together they are the dump."""

from __future__ import annotations

import random

import pytest
import zstandard

from vawsum_agent.backup.dump.frames import Frames
from vawsum_agent.backup.dump.sections import Section
from vawsum_agent.backup.server.facts import Table


def test_frames_are_the_dump() -> None:
    """Small, large, and empty of rows: offsets and sizes fit, and each frame gives back its section."""
    dice = random.Random(3)
    written: list[bytes] = []
    tables = {("d", "b"): Table(database="d", name="b", engine="MyISAM", is_in_snapshot=False, data_bytes=0)}
    frames = Frames(written.append, tables)
    sections = [
        (Section("head"), [b"-- head\n"]),
        (Section("table", "d", "a", rows=0), [b"x", b"y" * 70_000]),
        (Section("table", "d", "b", rows=7), [dice.randbytes(300_000) for _ in range(5)]),
        (Section("tail"), [b"-- Dump completed\n"]),
    ]
    for section, runs in sections:
        for run in runs:
            frames.add(section, memoryview(run))
    frames.end()
    content = b"".join(written)
    assert frames.size_bytes == len(content)
    assert frames.raw_bytes == sum(len(run) for _, runs in sections for run in runs)
    assert [(one.kind, one.rows, one.engine, one.is_in_snapshot) for one in frames.frames] == [
        ("head", None, "", True),
        ("table", 0, "", True),
        ("table", 7, "MyISAM", False),
        ("tail", None, "", True),
    ]
    offset = 0
    for frame, (_, runs) in zip(frames.frames, sections, strict=True):
        assert frame.offset == offset
        offset += frame.size_bytes
        alone = content[frame.offset : offset]
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(alone)
        assert raw == b"".join(runs)
        assert frame.raw_bytes == len(raw)
        assert zstandard.get_frame_parameters(alone).has_checksum
    assert offset == len(content)


def test_what_the_writer_raises_comes_through() -> None:
    """A writer that fails ends the work with its own error."""

    def fail(_: bytes) -> None:
        raise OSError("full")

    frames = Frames(fail)
    frames.add(Section("head"), memoryview(b"x"))
    with pytest.raises(OSError, match="full"):
        frames.end()
