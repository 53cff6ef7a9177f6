"""What can be published, and what is said of what can't."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.publish.folders import an_application
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.limits import LIMITS
from vawsum_agent.deploy.publish.survey import survey

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application that can be published."""
    return an_application(tmp_path / "app")


def test_an_application_is_counted(app: Path) -> None:
    """Files and their bytes, without ``.git``."""
    found = survey(app)
    assert (found.files, found.size_bytes) == (6, 5047)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/etc/passwd", "absolute"),
        ("../outside", "leads out"),
        ("vendor/../../outside", "down and up again"),
        (".git/HEAD", "into .git"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(app: Path, target: str, expected: str) -> None:
    """Absolute ones, ones that lead out, ones that only might, ones to what is left out: with their name."""
    (app / "a-link").symlink_to(target)
    with pytest.raises(DeployError, match=f"'a-link' is a link .*{expected}"):
        survey(app)


def test_what_is_no_file_is_refused_all_at_once(app: Path) -> None:
    """A FIFO, a socket, names that not every host can handle; nothing waits for a FIFO's writer."""
    os.mkfifo(app / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(app / "socket"))
    (app / "new\nline").write_text("x")
    (app / os.fsdecode(b"latin-\xe9")).write_text("x")
    with pytest.raises(DeployError) as refused:
        survey(app)
    for part in ("'fifo' is a FIFO", "'socket' is a socket", r"new\nline' has a name", "not UTF-8"):
        assert part in refused.value.message
    assert "\n" not in refused.value.message


def test_few_of_many_are_named(app: Path) -> None:
    """The message stays one line that can be read."""
    for number in range(9):
        (app / f"link-{number}").symlink_to("/x")
    with pytest.raises(DeployError, match=r"'link-4' [a-z ]* and 4 more "):
        survey(app)


def test_secrets_are_refused_unless_they_are_allowed(app: Path) -> None:
    """Each is named; a path, or a pattern over slashes, lets it pass."""
    (app / ".env").write_text("DB_PASSWORD=x\n")
    (app / "vendor/lib/test.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(DeployError, match=r"looks like secrets: \.env, vendor/lib/test\.pem"):
        survey(app)
    with pytest.raises(DeployError, match=r"looks like a secret: \.env") as refused:
        survey(app, ("vendor/*",))
    assert "--allow-secret" in refused.value.hint
    survey(app, ("vendor/*", ".env"))


def test_what_has_no_files_is_refused(tmp_path: Path) -> None:
    """Folders alone are nothing to publish, nor is ``.git``."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    with pytest.raises(DeployError, match="no files"):
        survey(tmp_path)


def test_what_no_host_would_take_is_refused(app: Path) -> None:
    """Too many entries, too many bytes, too large a file: before it is built into anything."""
    with pytest.raises(DeployError, match="more than 10 files"):
        survey(app, limits=replace(LIMITS, members=20))
    with pytest.raises(DeployError, match=r"more than 19\.5 KiB"):
        survey(app, limits=replace(LIMITS, unpacked_bytes=20_000))
    with (app / "huge").open("wb") as file:
        file.truncate(LIMITS.file_bytes + 1)
    with pytest.raises(DeployError, match="'huge' has 4,294,967,297 bytes"):
        survey(app)
