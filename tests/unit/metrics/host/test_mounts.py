"""Reading what is mounted where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.metrics.host.mounts import Mount, parse_mounts


def test_a_mount_is_read_field_by_field() -> None:
    """With no, one or more optional fields before the hyphen."""
    lines = (
        b"27 1 259:1 / / rw,relatime - xfs /dev/nvme0n1p1 rw\n"
        b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:4 - ext3 /dev/root rw,errors=continue\n"
    )
    assert parse_mounts(lines) == [
        Mount("259:1", "/", "/", "xfs", "/dev/nvme0n1p1"),
        Mount("98:0", "/mnt1", "/mnt2", "ext3", "/dev/root"),
    ]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (rb"/srv/my\040disk", "/srv/my disk"),
        (rb"/srv/a\134040", r"/srv/a\040"),
        (rb"/srv/a\012b", "/srv/a\nb"),
        ("/srv/é".encode(), "/srv/é"),
    ],
)
def test_names_are_unescaped(written: bytes, path: str) -> None:
    """Spaces, newlines and backslashes in a path are octal in the file."""
    (mount,) = parse_mounts(b"27 1 259:1 / " + written + b" rw - xfs /dev/sda1 rw\n")
    assert mount.path == path


PIECES = [b"27 1 259:1 / /x rw", b" - ", b"xfs /dev/a rw", b"\n", b" ", rb"\040", rb"\777", rb"\0", b"\xff"]


def test_an_escape_that_no_byte_has_does_not_raise() -> None:
    """Three octal digits can say 511."""
    (mount,) = parse_mounts(rb"27 1 259:1 / /a\777b rw - xfs /dev/sda1 rw")
    assert mount.device_id == "259:1"


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8))).map(b"".join))
def test_no_bytes_raise(data: bytes) -> None:
    """Lines that are no mount are skipped."""
    assert len(parse_mounts(data)) <= data.count(b" - ")


def test_a_damaged_line_takes_no_other_with_it() -> None:
    """The rest is read."""
    assert [mount.path for mount in parse_mounts(b"garbage - \n27 1 259:1 / / rw - xfs /dev/sda1 rw\n\xff\n")] == ["/"]
