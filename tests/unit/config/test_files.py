"""What is no file of TOML: each kind is told in one line, at once, and ends a command with 78."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import write
from vawsum_agent.config.load import load
from vawsum_agent.core.errors import ConfigError
from vawsum_agent.core.eyes import Eyes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.core.errors import Violation

_HUGE_BYTES = 100 << 20


def huge(path: Path) -> None:
    """A file of 100 MB, of holes."""
    with path.open("wb") as file:
        file.truncate(_HUGE_BYTES)


def refused(path: Path) -> Violation:
    """What is said of the files that ``path`` stands for."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    (violation,) = caught.value.violations
    assert caught.value.exit_code == 78
    assert "\n" not in str(violation)
    return violation


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (huge, "a larger file: expected at most 1 MiB"),
        (os.mkdir, "a folder: expected a regular file"),
        (os.mkfifo, "a FIFO: expected a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "a device: expected a regular file"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links: expected a file that can be read"),
        (lambda path: path.symlink_to("gone.toml"), "No such file or directory: expected a file that can be read"),
        (
            lambda path: path.write_bytes(b'x = 1\nname = "\xe9"\n'),
            "byte 14 is not UTF-8: expected TOML, which is UTF-8",
        ),
    ],
)
@pytest.mark.parametrize("is_main", [True, False])
def test_what_is_no_file_of_toml(tmp_path: Path, make: Callable[[Path], object], told: str, *, is_main: bool) -> None:
    """Neither the main file nor one of conf.d can hang the agent, fill its memory or leave it guessing."""
    main = tmp_path / "agent.toml" if is_main else write(tmp_path, "", other="")
    path = main if is_main else tmp_path / "conf.d" / "odd.toml"
    make(path)
    assert str(refused(main)) == f"{path}: {told}"


def test_conf_d_that_is_no_folder(tmp_path: Path) -> None:
    """A conf.d that can't be listed is refused: what should stand in it would be missing."""
    main = write(tmp_path, "")
    (tmp_path / "conf.d").write_text("")
    assert str(refused(main)) == f"{tmp_path / 'conf.d'}: Not a directory: expected a folder that can be read"
    (tmp_path / "conf.d").unlink()
    (tmp_path / "conf.d").symlink_to("conf.d")
    assert "Too many levels of symbolic links" in str(refused(main))


@pytest.mark.skipif(os.geteuid() != 0, reason="looking as another user needs root")
def test_closed_file_of_conf_d(tmp_path: Path) -> None:
    """A file that the daemon's user may not read is refused by name, not passed over."""
    main = write(tmp_path, "", closed="")
    (tmp_path / "conf.d" / "closed.toml").chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with Eyes("nobody", 65534, 65534, ()).looking():
        told = str(refused(main))
    assert told == f"{tmp_path / 'conf.d' / 'closed.toml'}: Permission denied: expected a file that can be read"
