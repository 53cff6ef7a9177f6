"""What lies in the repository beside the code: example configurations, lock files, the documents' links."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vawsum_agent.config.load import load
from vawsum_agent.images.reasons import MEANING, Reason

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["web.toml", "db.toml"])
def test_example_configurations_hold(name: str) -> None:
    """A configuration that we ship as an example is accepted as it is."""
    assert load(REPOSITORY / "etc/vawsum-agent" / name).config.logs is not None


def test_the_example_of_images_holds(tmp_path: Path) -> None:
    """Without its leading #, what the example says of images is accepted as it is."""
    text = (REPOSITORY / "etc/vawsum-agent/web.toml").read_text()
    (block,) = re.findall(r"^# \[images\]\n(?:#.*\n)+", text, re.MULTILINE)
    (tmp_path / "agent.toml").write_text(re.sub(r"^# ?", "", block, flags=re.MULTILINE))
    images = load(tmp_path / "agent.toml").config.images
    assert images is not None
    assert [folder.name for folder in images.folder] == ["app"]


def test_the_example_of_backups_holds(tmp_path: Path) -> None:
    """Without its leading #, what the example says of backups is accepted as it is."""
    text = (REPOSITORY / "etc/vawsum-agent/db.toml").read_text()
    (block,) = re.findall(r"^# \[backup\]\n(?:#.*\n)+", text, re.MULTILINE)
    (tmp_path / "agent.toml").write_text(re.sub(r"^# ?", "", block, flags=re.MULTILINE))
    backup = load(tmp_path / "agent.toml").config.backup
    assert backup is not None
    assert (backup.schedule, backup.retention_days) == ("0 0 * * *", 15)
    assert backup.drill is not None


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
def test_logrotate_files_are_valid(tmp_path: Path) -> None:
    """Logrotate reads what we put into its folder without a complaint."""
    for shipped in (REPOSITORY / "etc/logrotate.d").iterdir():
        copy = shutil.copy(shipped, tmp_path)
        checked = subprocess.run(
            ["logrotate", "--debug", "--state", tmp_path / "state", copy], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, re.findall(r"^error:.*", checked.stderr, re.MULTILINE)) == (0, [])


@pytest.mark.parametrize("name", ["runtime.lock", "dev.lock"])
def test_locks_pin_everything(name: str) -> None:
    """Each locked package has one exact version and its hashes, and no address of an index nor a path of a machine."""
    text = (REPOSITORY / "requirements" / name).read_text()
    blocks = re.split(r"\n(?=\S)", text)
    assert [block for block in blocks if not re.match(r"\S+==\S+.*--hash=sha256:[0-9a-f]{64}", block, re.DOTALL)] == []
    assert re.findall(r"https?://|file:|-index|find-links| /\S+", text) == []


def test_runtime_runs_what_is_tested() -> None:
    """A package that the agent runs with has the same version in the tests."""
    runtime, dev = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (REPOSITORY / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("runtime.lock", "dev.lock")
    )
    assert {name: dev.get(name) for name in runtime} == runtime


def test_dead_links_are_found(tmp_path: Path) -> None:
    """A link to a missing file or heading is reported; those to existing ones and to the web are not."""
    (tmp_path / "page.md").write_text(
        "# One title\n[a](page.md#one-title) [b](https://example.org/x) [c](#one-title)\n"
        "[d](gone.md) [e](#no-such)\n```\n[f](in-code.md)\n```\n"
    )
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    checker = REPOSITORY / "packaging/check/dead_links.py"
    found = subprocess.run([sys.executable, checker], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.splitlines() == ["dead link: page.md: gone.md", "dead link: page.md: #no-such"]


def test_every_reason_is_explained() -> None:
    """What keeps a file where it is stands in the document in the words of the commands."""
    text = (REPOSITORY / "docs/images.md").read_text()
    assert [reason for reason in Reason if f"| `{reason}` | {MEANING[reason]} |" not in text] == []
