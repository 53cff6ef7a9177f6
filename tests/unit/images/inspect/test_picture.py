"""Opening a file that may have become anything since it was found."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counts import count
from tests.unit.images.folders import GIF, JPEG, NOW_NS, PNG, WEBP, folder_at, put
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.inspect.content import HEAD_BYTES, CodeSearch, content_type, extension_of
from vawsum_agent.images.inspect.picture import NotNow, Refused, opened
from vawsum_agent.images.inspect.rules import Rules
from vawsum_agent.images.reasons import MEANING, Reason

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = b"<?php system($_GET['c']); ?>"


def verdict(root: Path, path: bytes, now_ns: int = NOW_NS) -> str:
    """What opening a file and reading it all comes to: its type, or why not."""
    descriptor = open_root(str(root))
    try:
        rules = Rules.of(folder_at(root), os.getuid(), os.fstat(descriptor).st_dev)
        with opened(descriptor, path, rules, now_ns) as picture:
            picture.look_for_code()(os.pread(picture.descriptor, 1 << 20, 0))
            return picture.content_type
    except Refused as refused:
        return refused.reason
    except NotNow:
        return "not now"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.JPeG", JPEG, "image/jpeg"),
        ("a.php.jpg", JPEG, "image/jpeg"),
        ("a.png", PNG, "image/png"),
        ("a.gif", GIF, "image/gif"),
        ("a.webp", WEBP, "image/webp"),
        ("a.png", JPEG, Reason.EXTENSION_MISMATCH),
        ("a.jpg", b"<html><script>alert(1)</script>", Reason.NOT_AN_IMAGE),
        ("a.jpg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', Reason.NOT_AN_IMAGE),
        ("a.jpg", b"\x00" * 100, Reason.NOT_AN_IMAGE),
        ("a.jpg", b"\xff", Reason.NOT_AN_IMAGE),
        ("a.jpg", b"BM" + b"\x00" * 100, Reason.NOT_AN_IMAGE),
        ("a.jpg", SCRIPT, Reason.PHP_CODE),
        ("a.jpg", b"#!/usr/bin/php\n" + SCRIPT, Reason.PHP_CODE),
        ("a.gif", b"GIF89a;" + SCRIPT, Reason.PHP_CODE),
        ("a.jpg", JPEG + b"<?PHP\neval(1);", Reason.PHP_CODE),
        ("a.jpg", JPEG + b"<?phpx", "image/jpeg"),
        ("a.jpg", b"", Reason.EMPTY),
        ("a.php", SCRIPT, Reason.OTHER_EXTENSION),
    ],
)
def test_content_and_extension(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """Both must say the same, and no PHP code may be in it, wherever it hides."""
    assert verdict(tmp_path, put(tmp_path, name, content)) == said


def test_what_it_became_meanwhile(tmp_path: Path) -> None:
    """Links, links on the way, FIFOs, hard links, folders, nothing at all: none is opened, or waited for."""
    outside = tmp_path / "outside"
    put(outside, "secret.jpg")
    root = tmp_path / "uploads"
    root.mkdir()
    (root / "link.jpg").symlink_to(outside / "secret.jpg")
    (root / "way").symlink_to(outside)
    (root / "hard.jpg").hardlink_to(outside / "secret.jpg")
    (root / "folder.jpg").mkdir()
    os.mkfifo(root / "fifo.jpg")
    assert verdict(root, b"link.jpg") == Reason.SYMLINK
    assert verdict(root, b"way/secret.jpg") == Reason.SYMLINK
    assert verdict(root, b"hard.jpg") == Reason.HARDLINK
    assert verdict(root, b"folder.jpg") == Reason.NOT_A_FILE
    assert verdict(root, b"fifo.jpg") == Reason.NOT_A_FILE
    assert verdict(root, b"gone.jpg") == "not now"
    assert verdict(root, b"gone/gone.jpg") == "not now"
    assert verdict(root, b"../outside/secret.jpg") == Reason.UNREADABLE
    assert verdict(root, b"/etc/passwd") == Reason.UNREADABLE


def test_touched_again(tmp_path: Path) -> None:
    """A file that was touched since it was found due is not due any more."""
    path = put(tmp_path, "a.jpg")
    now_ns = (tmp_path / "a.jpg").stat().st_ctime_ns + 10 * 10**9
    assert verdict(tmp_path, path, now_ns - 1) == "not now"
    assert verdict(tmp_path, path, now_ns) == "image/jpeg"


def test_swapped_in_a_loop(tmp_path: Path) -> None:
    """A name that is now a picture, now a link to a secret, now a FIFO: the secret is never read, nothing hangs."""
    root = tmp_path / "uploads"
    path = put(root, "a.jpg", PNG.replace(b"\x02", b"\x05"))
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(JPEG)
    is_over = threading.Event()
    name = root / "a.jpg"

    def swap() -> None:
        while not is_over.is_set():
            for make in (lambda at: at.symlink_to(secret), os.mkfifo, lambda at: at.write_bytes(PNG)):
                make(root / "next")
                (root / "next").rename(name)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(count(1_000, 30_000)):
            assert verdict(root, path) != "image/jpeg"
    finally:
        is_over.set()
        swapper.join()


@given(st.binary(max_size=HEAD_BYTES * 2))
def test_any_beginning_has_at_most_one_type(head: bytes) -> None:
    """Telling the type never fails, and needs no more than the head."""
    assert content_type(head) == content_type(head[:HEAD_BYTES])


@given(st.lists(st.sampled_from([b"<", b"?", b"ph", b"p", b"P", b" ", b"\n", b"x" * 9, b""])), st.data())
def test_code_across_blocks(parts: list[bytes], data: st.DataObject) -> None:
    """However a file is cut into blocks, code in it is found; a tag that nothing follows yet may count early."""
    whole = b"".join(parts)
    in_one = CodeSearch()
    in_one.look(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    in_blocks = CodeSearch()
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        in_blocks.look(whole[start:end])
    assert in_blocks.has_found >= in_one.has_found


@pytest.mark.parametrize(
    ("name", "extension"), [(b"a.JPG", ".jpg"), (b"a", ""), (b".jpg", ""), (b"a.", "."), (b"a.b.c", ".c")]
)
def test_extension(name: bytes, extension: str) -> None:
    """The last one counts, whatever case; a name that is all extension has none."""
    assert extension_of(name) == extension


def test_every_reason_is_explained() -> None:
    """What status names, people can look up."""
    assert MEANING.keys() == set(Reason)


def test_a_root_behind_a_link(tmp_path: Path) -> None:
    """The configured folder itself must be what it says."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(FolderError, match="link"):
        open_root(str(tmp_path / "link"))
    (tmp_path / "real" / "in").mkdir()
    with pytest.raises(FolderError, match="readlink"):
        open_root(str(tmp_path / "link" / "in"))
    with pytest.raises(FolderError, match="exist"):
        open_root(str(tmp_path / "gone"))
