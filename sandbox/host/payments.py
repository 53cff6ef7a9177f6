"""People who pay fees while the database is backed up: one transaction after the other, each known to be committed."""

from __future__ import annotations

import subprocess
import threading
from itertools import count
from typing import TYPE_CHECKING

from sandbox.host.school import make_payment

if TYPE_CHECKING:
    from sandbox.servers.mariadb import MariaDb

_END_S = 10.0


class Payments:
    """Pays until stopped, from a thread of its own.

    Args:
        server: it has the school's database.
        per_s: how many a second, at most.

    Attributes:
        committed: how many the server has confirmed.
        failure: what the client said when it ended early; empty when it did not.
    """

    def __init__(self, server: MariaDb, per_s: float) -> None:
        self.committed = 0
        self.failure = ""
        self._pause_s = 1 / per_s
        self._server = server
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="payments", daemon=True)

    def start(self) -> None:
        """Begin to pay."""
        self._thread.start()

    def stop(self) -> None:
        """End after the payment that is under way; idempotent."""
        self._is_stopped.set()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def _run(self) -> None:
        with subprocess.Popen(
            ["mariadb", f"--defaults-file={self._server.option_file}", "--batch", "--unbuffered", "-N"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as client:
            if client.stdin is None or client.stdout is None or client.stderr is None:
                return
            for number in count(1):
                if self._is_stopped.wait(self._pause_s):
                    client.stdin.close()
                    return
                try:
                    # The answer comes when everything before it is done.
                    client.stdin.write(f"{make_payment(number)}SELECT {number};\n")
                    client.stdin.flush()
                except BrokenPipeError:
                    break
                if client.stdout.readline().strip() != str(number):
                    break
                self.committed = number
            self.failure = client.stderr.read().strip() or "the client ended"
