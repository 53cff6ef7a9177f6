"""What systemd hears."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.daemon.notify import Notifier

if TYPE_CHECKING:
    from pathlib import Path


def listener(address: str) -> socket.socket:
    """A manager that waits for messages."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(address)
    receiver.settimeout(5)
    return receiver


@pytest.mark.parametrize("is_abstract", [False, True])
def test_messages(tmp_path: Path, *, is_abstract: bool) -> None:
    """Each change of state is one datagram in sd_notify's words, to a path or to an abstract name."""
    name = f"@vawsum-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with listener("\0" + name[1:] if is_abstract else name) as receiver:
        notifier = Notifier(name)
        notifier.ready()
        notifier.stopping()
        notifier.feed_watchdog()
        notifier.status("one\ntwo")
        notifier.status("one\ntwo")
        notifier.reloading()
        received = [receiver.recv(4096).decode() for _ in range(5)]
    assert received[:4] == ["READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=one two"]
    assert received[4].startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_nobody_listens(tmp_path: Path) -> None:
    """Without systemd, or with one that just restarts, nothing happens."""
    Notifier(None).ready()
    Notifier(str(tmp_path / "gone")).ready()


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_interval(environ: dict[str, str], interval_s: float | None) -> None:
    """The watchdog is fed at half its time, by the process it is meant for."""
    assert Notifier.from_environ(environ, pid=7).watchdog_interval_s == interval_s
