"""Archives unpacked: what is made of good ones, and that bad ones make nothing outside and are refused by name."""

from __future__ import annotations

import os
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.counts import count
from tests.unit.deploy.fetch.published import RELEASED_AT, Item, folder, hardlink, link, tar
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.limits import LIMITS, Limits
from vawsum_agent.deploy.fetch.refused import Refused
from vawsum_agent.deploy.fetch.room import Free, Room
from vawsum_agent.deploy.fetch.stream import Stream
from vawsum_agent.deploy.fetch.unpack import Making, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.deploy.fetch.published import Format
    from vawsum_agent.deploy.fetch.seal import Entry

_GIB = 1 << 30


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Where it goes; whatever lies beside it is nobody's to touch."""
    (tmp_path / "outside").write_bytes(b"as it was")
    path = tmp_path / "root"
    path.mkdir()
    yield path
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "root"}
    assert (tmp_path / "outside").read_bytes() == b"as it was"


def made(root: Path, archive: bytes, limits: Limits = LIMITS, free: Free | None = None) -> list[Entry]:
    """Unpack, in blocks that cut everything into pieces."""
    blocks = (archive[at : at + 700] for at in range(0, len(archive), 700))
    room = Room(root, "r1", lambda _: free or Free(1 << 40, 1 << 40, None, 0))
    descriptor = os.open(root, os.O_RDONLY)
    try:
        return unpack(Stream(blocks, len(archive), limits), descriptor, Making(limits, room, RELEASED_AT))
    finally:
        os.close(descriptor)


def test_all_kinds(root: Path) -> None:
    """Files, folders, links and second names, with folders that nobody listed."""
    archive = tar(
        folder("./"),
        folder("./empty"),
        Item("./a/b/file", b"x" * 3000),
        folder("a/b/"),
        Item("a/run", b"#!", mode=0o700),
        link("a/link", "../a/b/file"),
        hardlink("again", "./a/b/file"),
        Item("zero"),
    )
    entries = made(root, archive)
    assert [(entry.path, entry.kind, entry.mode, entry.size_bytes) for entry in entries] == [
        ("a", "folder", 0o755, 0),
        ("a/b", "folder", 0o755, 0),
        ("a/b/file", "file", 0o644, 3000),
        ("a/link", "link", 0, 0),
        ("a/run", "file", 0o755, 2),
        ("again", "file", 0o644, 3000),
        ("empty", "folder", 0o755, 0),
        ("zero", "file", 0o644, 0),
    ]
    assert (root / "a/link").read_bytes() == (root / "again").read_bytes() == b"x" * 3000
    assert (root / "again").stat().st_ino == (root / "a/b/file").stat().st_ino


@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_owners_modes_and_times(root: Path, umask: int) -> None:
    """They come from the release's name and one bit, and from nothing of this process or the builder's machine."""
    earlier = os.umask(umask)
    try:
        made(root, tar(Item("d/file", b"x", mode=0o1666), Item("d/run", mode=0o100), folder("e", mode=0o000)))
    finally:
        os.umask(earlier)
    modes = {str(path.relative_to(root)): path.stat().st_mode & 0o7777 for path in root.rglob("*")}
    assert modes == {"d": 0o755, "e": 0o755, "d/file": 0o644, "d/run": 0o755}
    status = (root / "d/file").stat()
    assert (status.st_uid, status.st_mtime) == (os.geteuid(), RELEASED_AT)


@pytest.mark.parametrize("how", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names(root: Path, how: Format) -> None:
    """Names that do not fit a header, as each format has them; and the comment of `git archive`."""
    name = "/".join(["long" * 20, "names" * 15, "x.php"])
    comment = Item("pax_global_header", b"52 comment=" + b"0" * 40 + b"\n", type=tarfile.XGLTYPE)
    items = [Item(name, b"1"), link("l" * 80 + "/link", "t" * 90)]
    if how != tarfile.USTAR_FORMAT:
        items += [Item("Ü" * 100, b"2"), link("a/" + "l" * 200, "../" + "t" * 200)]
    entries = made(root, comment.to_bytes(tarfile.USTAR_FORMAT) + tar(*items, how=how))
    assert {entry.path for entry in entries if entry.kind != "folder"} == {item.name for item in items}
    assert {entry.content for entry in entries if entry.kind == "link"} == {
        item.target for item in items if item.target
    }


def described(record: bytes, type_: bytes = tarfile.XHDTYPE) -> Item:
    """A header that describes the next member."""
    return Item("about", record, type=type_)


GOOD = Item("good", b"good")
RAW: Format = tarfile.USTAR_FORMAT
HOSTILE = {
    "absolute": (tar(Item("/etc/cron.d/x")), "/etc/cron.d/x' has a name that is absolute"),
    "climbing": (tar(Item("../../etc/cron.d/x")), "'../../etc/cron.d/x' leads out of the release"),
    "climbing inside": (tar(Item("a/../b")), "leads out"),
    "climbing folder": (tar(folder("../x")), "leads out"),
    "climbing by pax": (tar(Item("a", pax={"path": "../x"})), "leads out"),
    "link to absolute": (tar(link("a", "/etc")), "'a' is a link whose target is absolute"),
    "link out": (tar(link("a", "../outside")), "'a' is a link that leads out"),
    "through a link": (tar(folder("d"), link("a", "d"), Item("a/b")), "'a/b' needs a folder .* has a link"),
    "folder over a link": (tar(folder("d"), link("a", "d"), folder("a")), "'a' needs a folder"),
    "below a file": (tar(GOOD, Item("good/b")), "'good/b' needs a folder .* has a file"),
    "file over a folder": (tar(folder("a"), Item("a")), "'a' is there a second time"),
    "file over its folder": (tar(Item("a/b"), Item("a")), "'a' is there a second time"),
    "file twice": (tar(GOOD, Item("./good")), "'./good' is there a second time"),
    "link over a file": (tar(GOOD, link("good", "x")), "second time"),
    "folder twice": (tar(folder("a"), folder("a/")), "'a' is there a second time"),
    "root as a file": (tar(Item(".")), "would be the release itself"),
    "hard link out": (tar(hardlink("a", "/etc/passwd")), "'/etc/passwd' has a name that is absolute"),
    "hard link up": (tar(hardlink("a", "../outside")), "leads out"),
    "hard link to later": (tar(hardlink("a", "good"), GOOD), "'a' is a hard link to what is no file"),
    "hard link to a link": (tar(link("l", "x"), hardlink("a", "l")), "no file before it"),
    "hard link through a link": (tar(GOOD, folder("d"), link("l", "."), hardlink("a", "l/good")), "no file before it"),
    "hard link to a folder": (tar(folder("d"), hardlink("a", "d")), "no file before it"),
    "hard link with content": (tar(GOOD, replace(hardlink("a", "good"), content=b"x")), "hardlink with content"),
    "folder with content": (tar(replace(folder("a"), content=b"x")), "folder with content"),
    "character device": (tar(Item("null", type=tarfile.CHRTYPE)), "'null' is a device"),
    "block device": (tar(Item("sda", type=tarfile.BLKTYPE)), "'sda' is a device"),
    "fifo": (tar(Item("pipe", type=tarfile.FIFOTYPE)), "'pipe' is a FIFO"),
    "unknown type": (tar(Item("a", type=b"Q")), "'a' is of the unknown type"),
    "contiguous": (tar(Item("a", type=tarfile.CONTTYPE)), "'a' is of the unknown type"),
    "set-user-id": (tar(Item("su", mode=0o4755)), "'su' has a set-user-id or set-group-id bit"),
    "set-group-id": (tar(folder("su", mode=0o2755)), "'su' has a set-user-id or set-group-id bit"),
    "sparse": (tar(Item("a", type=tarfile.GNUTYPE_SPARSE)), "'a' is a sparse file"),
    "sparse by pax": (tar(Item("a", pax={"GNU.sparse.major": "1"})), "sparse"),
    "newline": (tar(Item("a\nb")), r"'a\\nb' has a name that has control characters"),
    "NUL": (tar(Item("a", pax={"path": "a\0b"})), r"'a\\x00b' has a name that has control characters"),
    "not UTF-8": (tar(Item("a\udcff"), how=RAW), "not UTF-8"),
    "backslash": (tar(Item("..\\x")), "backslash"),
    "file named as folder": (tar(Item("a", pax={"path": "a/"})), "'a/' is a file whose name is a folder's"),
    "negative size": (tar(Item("a", size=-1), how=tarfile.GNU_FORMAT), "-1 bytes"),
    "size of the next": (tar(Item("a", pax={"size": "-5"})), "size that is no number"),
    "size with digits of others": (tar(Item("a", pax={"size": "٣"})), "size that is no number"),
    "size beyond the end": (tar(Item("a", size=10**6), how=RAW), "truncated"),
    "said twice": (tar(described(b"9 path=a\n"), described(b"9 path=b\n"), GOOD, how=RAW), "more than one path"),
    "said of all": (tar(described(b"9 path=a\n", tarfile.XGLTYPE), GOOD, how=RAW), "all members the same path"),
    "said of none": (tar(GOOD, described(b"9 path=a\n"), how=RAW), "ends after the description"),
    "pax bomb": (tar(described(b"x" * (65 << 10)), GOOD, how=RAW), "'about' is a description of 66,560 bytes"),
    "pax nonsense": (tar(described(b"99 path=a\n"), GOOD, how=RAW), "makes no sense"),
    "pax zero": (tar(described(b"0 path=a\n"), GOOD, how=RAW), "makes no sense"),
    "pax without a value": (tar(described(b"7 path\n"), GOOD, how=RAW), "makes no sense"),
    "long name bomb": (
        tar(Item("././@LongLink", b"x" * (65 << 10), type=tarfile.GNUTYPE_LONGNAME), GOOD, how=RAW),
        "is a description of",
    ),
    "no end": (GOOD.to_bytes(), "truncated"),
    "half an end": (GOOD.to_bytes() + bytes(512), "truncated"),
    "cut": (tar(GOOD)[:700], "truncated"),
    "cut header": (tar(GOOD)[:100], "truncated"),
    "empty": (b"", "truncated"),
    "nothing in it": (tar(folder("a")), "holds no file"),
    "one after another": (tar(GOOD) + tar(Item("b")), "something follows the end"),
    "in the end": (GOOD.to_bytes() + bytes(512) + GOOD.to_bytes() + bytes(1024), "something follows the end"),
    "rubbish behind": (tar(GOOD) + bytes(5000) + b"x", "something follows the end"),
    "no archive": (b"<html>" * 200, "no header at byte 0"),
    "damaged header": (tar(GOOD).replace(b"good", b"evil", 1), "no header at byte 0: bad checksum"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(root: Path, name: str) -> None:
    """Refused, with its reason; nothing is made outside."""
    archive, reason = HOSTILE[name]
    with pytest.raises(Refused, match=reason) as refused:
        made(root, archive)
    assert refused.value.message.isprintable()


SMALL = Limits(unpacked_bytes=20_000, file_bytes=5000, members=5, ratio=2, ratio_from_bytes=6000)


@pytest.mark.parametrize(
    ("archive", "packed_bytes", "reason"),
    [
        (tar(Item("a", b"x" * 5001)), 10_000, "'a' has 5,001 bytes: too large"),
        (tar(*(Item(name, b"x" * 4500) for name in "abcde")), 50_000, "more than 19.5 KiB: an archive bomb"),
        (tar(*(Item(name, b"x" * 4500) for name in "ab")), 100, "more than 5.9 KiB: an archive bomb"),
        (tar(GOOD) + bytes(50_000), 100, "an archive bomb"),
        (tar(*(Item(name) for name in "abcdef")), 10_000, "more than 5 members"),
        (tar(Item("1/2/3/4/5/6")), 10_000, "more than 5 files and folders: an archive bomb"),
        (tar(Item("1/2/3"), Item("a/b/c")), 10_000, "more than 5 files and folders: an archive bomb"),
    ],
)
def test_bombs(root: Path, archive: bytes, packed_bytes: int, reason: str) -> None:
    """Too large, too many, or far larger than what was downloaded: it ends at the limit."""
    descriptor = os.open(root, os.O_RDONLY)
    room = Room(root, "r1", lambda _: Free(1 << 40, 1 << 40, None, 0))
    blocks = iter([archive[at : at + 512] for at in range(0, len(archive), 512)])
    with pytest.raises(Refused, match=reason):
        unpack(Stream(blocks, packed_bytes, SMALL), descriptor, Making(SMALL, room, 0))
    os.close(descriptor)


@pytest.mark.parametrize(
    ("free", "reason"),
    [
        (Free(20 << 20, 100 << 20, None, 0), "r1 needs 16.0 MiB of disk and 5.0 MiB to spare, has 20.0 MiB free"),
        (Free(_GIB, _GIB, 99, 2000), "r1 needs 1 inodes and 100 to spare, has 99 free"),
    ],
)
def test_no_room(root: Path, free: Free, reason: str) -> None:
    """It stops before a file that would take what is to spare."""
    with pytest.raises(DeployError, match=reason):
        made(root, tar(GOOD, Item("large", size=16 << 20), how=RAW), free=free)
    assert [path.name for path in root.iterdir()] == ["good"]


PARTS = st.sampled_from(["a", "b", "c", "..", ".", "", "/"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"\0"])
ITEMS = st.builds(Item, NAMES, st.binary(max_size=3), KINDS, st.sampled_from([0o644, 0o755, 0o4755]), NAMES)


@settings(max_examples=count(60, 3000), deadline=None)
@given(items=st.lists(ITEMS, max_size=8))
def test_whatever_is_in_it(tmp_path_factory: pytest.TempPathFactory, items: list[Item]) -> None:
    """Nothing is made outside, and no link of what was made leads there, also through other links."""
    place = tmp_path_factory.mktemp("any")
    root = place / "deep" / "root"
    root.mkdir(parents=True)
    try:
        entries = made(root, tar(*items))
    except Refused:
        entries = []
    assert [path for path in place.rglob("*") if not path.is_relative_to(root)] == [root.parent]
    inside = root.resolve()
    for path in root.rglob("*"):
        if path.is_symlink() and _ends(path):
            assert path.resolve().is_relative_to(inside)
    assert all((root / entry.path).is_symlink() or (root / entry.path).exists() for entry in entries)


def _ends(path: Path) -> bool:
    """Whether a link is none that leads to itself."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
