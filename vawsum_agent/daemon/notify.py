"""Tells systemd how the daemon is (sd_notify(3)); does nothing where nobody listens."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Sends state changes as datagrams to ``NOTIFY_SOCKET``.

    Attributes:
        watchdog_interval_s: how often to call `feed_watchdog`; None when the unit has no watchdog.
    """

    def __init__(self, address: str | None, watchdog_interval_s: float | None = None) -> None:
        # "@name" is a name in the abstract namespace, which begins with a zero byte.
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_interval_s = watchdog_interval_s
        self._last_text = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """Read what systemd gave the process; ``WATCHDOG_PID`` may say that the watchdog is for another one."""
        interval = None
        if environ.get("WATCHDOG_PID", str(pid)) == str(pid):
            with contextlib.suppress(ValueError):
                interval = int(environ.get("WATCHDOG_USEC", "")) / 1e6 / 2
        return cls(environ.get("NOTIFY_SOCKET"), interval)

    def ready(self) -> None:
        """The start, or a reload, is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A reload began."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        """A stop began."""
        self._send("STOPPING=1")

    def feed_watchdog(self) -> None:
        """All is well, as far as the watchdog is to know."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show a line in ``systemctl status``; sent only when it changed."""
        if text != self._last_text:
            self._last_text = text
            self._send("STATUS=" + text.replace("\n", " "))

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1.0)
            # A manager that is just being replaced misses a message; the watchdog's next one comes anyway.
            with contextlib.suppress(OSError):
                sender.sendto(message.encode(), self._address)


def from_environ() -> Notifier:
    """The notifier of this process."""
    return Notifier.from_environ(os.environ, os.getpid())
