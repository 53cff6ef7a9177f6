"""What a release may ask for in its deploy.toml, and that nothing in the file can do harm."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.hooks.account import account_for
from vawsum_agent.deploy.hooks.environment import STANDARD_PATH, of_account, of_deploy
from vawsum_agent.deploy.hooks.release_file import HOOK_NAMES, Hook, ReleaseFile, load_release_file
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = """
shared = ["public/uploads/", ".env.local"]
writable = ["storage/cache"]

[hooks.fetched]
run = "php bin/console cache:warmup"

[hooks.switched]
run = '''
php artisan migrate --force
php artisan config:cache
'''
timeout = "10m"
user = "deploy"
"""


def loaded(folder: Path, text: str | bytes) -> ReleaseFile:
    """Read a file."""
    (folder / "deploy.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_release_file(folder)


def test_whole_file(tmp_path: Path) -> None:
    """Hooks, shared and writable paths, with what holds where nothing is said."""
    file = loaded(tmp_path, WHOLE)
    assert (file.shared, file.writable) == (["public/uploads/", ".env.local"], ["storage/cache"])
    assert file.hooks.fetched == Hook(run="php bin/console cache:warmup")
    assert (file.hooks.fetched.timeout, file.hooks.fetched.user) == (60.0, "")
    switched = file.hooks.named("switched")
    assert switched is not None
    assert (switched.timeout, switched.user) == (600.0, "deploy")
    assert [name for name in HOOK_NAMES if file.hooks.named(name)] == ["fetched", "switched"]


def test_the_documented_example_holds(tmp_path: Path) -> None:
    """What docs/deploy-toml.md shows is accepted, and its table of variables is what a hook has."""
    document = (Path(__file__).parents[4] / "docs/deploy-toml.md").read_text()
    file = loaded(tmp_path, document.partition("```toml\n")[2].partition("```")[0])
    assert len(file.shared) == len(file.writable) == 2
    assert [name for name in HOOK_NAMES if file.hooks.named(name)] == ["fetched", "drained", "failed"]
    told = of_deploy("web", AppFolder(tmp_path), release="r", previous="") | of_account(
        account_for("", default_user="nobody")
    )
    assert all(f"`{name}`" in document for name in (*told, "VAWSUM_HOOK"))
    assert f"`{STANDARD_PATH}`" in document


@pytest.mark.parametrize("text", ["", "# nothing\n", None])
def test_nothing_is_asked_for(tmp_path: Path, text: str | None) -> None:
    """An empty file, or none."""
    assert (load_release_file(tmp_path) if text is None else loaded(tmp_path, text)) == ReleaseFile()


def test_other_spellings(tmp_path: Path) -> None:
    """Tables of hooks at the top, and names that end with paths, mean the same."""
    text = 'shared_paths = ["a"]\nwritable_paths = ["b"]\n[healthy]\nrun = "true"\n[hooks.failed]\nrun = "false"\n'
    file = loaded(tmp_path, text)
    assert (file.shared, file.writable) == (["a"], ["b"])
    assert file.hooks.healthy == Hook(run="true")
    assert file.hooks.failed == Hook(run="false")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[hooks.swiched]\nrun = "x"', "hooks.swiched = {…}: expected a known key; did you mean switched?"),
        ('[hooks.failed]\nrun = "x"\ntimeot = "1s"', 'hooks.failed.timeot = "1s": expected a known key; did you mean'),
        ("[hooks.failed]", "hooks.failed.run = (missing): expected a command line"),
        ('[hooks.failed]\nrun = "  "', "expected a command line for /bin/sh"),
        ('[hooks.failed]\nrun = "a\\u0000b"', "expected a command line for /bin/sh"),
        ('[hooks.failed]\nrun = "x"\ntimeout = 30', "expected a duration such as"),
        ('[hooks.failed]\nrun = "x"\ntimeout = "2h"', "100ms to 1h"),
        ('[hooks.failed]\nrun = "x"\nuser = "a:b"', "the name of a user"),
        ('[hooks]\nfailed = "x"', "expected a table"),
        ('shared = "x"', "expected a list"),
        ('shared = ["a"]\nshared_paths = ["b"]', "expected to be set once"),
        ('[failed]\nrun = "x"\n[hooks.failed]\nrun = "y"', "expected to be set once"),
        ('shared = ["../x"]', "expected a path within the release"),
        ('shared = ["a"]\nwritable = ["a/b"]', "'a/b' is, or lies in, 'a'"),
        ("shared = " + str([f"a{n}" for n in range(257)]), "at most 256"),
        ('"\\u001b[2J" = 1', r"\x1b[2J"),
        ("x" * (65 << 10), "larger than 64 KiB"),
        (b"\xff", "byte 0 is not UTF-8"),
        ("a = ", "is no TOML"),
        ("a = " + "1" * 5000, "is no TOML"),
        ("a = " + "[" * 20000, "nested too deep"),
        ("a." * 4000 + "b = 1", "nested too deep"),
    ],
)
def test_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """With what is wrong and what is expected, on one line that a terminal can show, and soon."""
    began = time.process_time()
    with pytest.raises(DeployError) as refused:
        loaded(tmp_path, text)
    assert expected in refused.value.message
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1300
    assert time.process_time() - began < 3


def test_all_that_is_wrong(tmp_path: Path) -> None:
    """At once, not one after the other."""
    with pytest.raises(DeployError, match=r'hooks\.failed\.timeout = "x".*writable\[0\] = "/x"') as refused:
        loaded(tmp_path, 'writable = ["/x"]\n[hooks.failed]\nrun = "x"\ntimeout = "x"')
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("secret"),
        lambda path: path.symlink_to("nothing"),
        lambda path: path.mkdir(),
        os.mkfifo,
    ],
)
def test_only_a_plain_file_is_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Not what a link leads to, and nothing waits for a FIFO."""
    (tmp_path / "secret").write_text('shared = ["root-only"]')
    make(tmp_path / "deploy.toml")
    with pytest.raises(DeployError, match="is no plain file"):
        load_release_file(tmp_path)
