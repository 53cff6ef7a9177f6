"""Names and globs: which files are live logs, and which are rotated copies of which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vawsum_agent.logs.follow.globs import Globs
from vawsum_agent.logs.follow.names import codec_of, escape_path, is_compressed, rotation_bases


@pytest.mark.parametrize(
    "name",
    [
        "access.log.1",
        "access.log.14.gz",
        "access.log-20261123",
        "access.log-20261123.bz2",
        "access.log-20261123-1795392000",
        "access.log-1795392000.xz",
        "access.log.2026-11-23",
        "access.log.2026-11-23_00:00:00+0530.gz",
        "access.log_23-11-2026",
        "access.log.old",
        "access.1.log",
        "access-20261123.log.gz",
        "access.2026-11-23.log",
    ],
)
def test_rotated_names(name: str) -> None:
    """Every way in which logrotate and savelog name a rotated file leads to its log."""
    assert "access.log" in rotation_bases(name)


@pytest.mark.parametrize(
    "name", ["access.log", "access-2.log", "access2.log", "access.log.swp", "ssl-access.log", "php8.2-fpm.log", "1.log"]
)
def test_other_names(name: str) -> None:
    """Logs with a number in their names are logs of their own."""
    assert "access.log" not in rotation_bases(name)
    assert "php-fpm.log" not in rotation_bases(name)


def test_compression_by_name() -> None:
    """What can't be decompressed is known to be compressed all the same."""
    assert (codec_of("a.gz"), codec_of("a.xz"), codec_of("a.zst"), codec_of("a.log")) == ("gzip", "xz", None, None)
    assert is_compressed("a.zst")


def test_names_that_are_no_text() -> None:
    """A path with bytes that are no UTF-8 can be written down."""
    assert escape_path(os.fsdecode(b"/var/log/caf\xe9.log")) == "/var/log/caf\\xe9.log"
    assert escape_path("/var/log/café.log") == "/var/log/café.log"


def found(tmp_path: Path, globs: Globs) -> set[str]:
    """What the globs mean of what is there."""
    return {
        str(path.relative_to(tmp_path))
        for folder, pattern in globs.folders()
        if Path(folder).exists()
        for path in Path(folder).iterdir()
        if globs.takes(pattern, folder, path.name)
    }


def test_globs(tmp_path: Path) -> None:
    """Globs are those of a shell, in names and folders; exclusions are taken off; compressed files are never meant."""
    for name in ("a.log", "b.log", ".c.log", "d.log.1.gz", "e.txt", "x/a.log", "y/b.log", "y/z/c.log", "[1].log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    cases: list[tuple[list[str], list[str], set[str]]] = [
        (["*.log"], [], {"a.log", "b.log", "[1].log"}),
        (["*.log"], ["b.*"], {"a.log", "[1].log"}),
        (["*.log"], [f"{tmp_path}/a*"], {"b.log", "[1].log"}),
        (["?.log*"], [], {"a.log", "b.log"}),
        (["*/*.log"], [], {"x/a.log", "y/b.log"}),
        (["**/*.log"], ["[[]*"], {"a.log", "b.log", "x/a.log", "y/b.log", "y/z/c.log"}),
        (["y/**"], [], {"y/b.log", "y/z", "y/z/c.log"}),
        (["[[]1].log", "e.txt", "missing/*"], [], {"[1].log", "e.txt"}),
        ([".*.log"], [], {".c.log"}),
    ]
    for paths, exclude, expected in cases:
        globs = Globs([f"{tmp_path}/{path}" for path in paths], exclude)
        assert found(tmp_path, globs) == expected, paths
        for path in (path for path in expected if path != "y/z"):
            assert globs.match(str(tmp_path / path)), path
        assert not globs.match(str(tmp_path / "elsewhere" / "f.conf"))
