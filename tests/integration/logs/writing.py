"""Writers of counted log entries, as Apache and PHP write them, and logrotate under their hands."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Kind = Literal["access", "php"]
FORMATS: dict[Kind, str] = {"access": "apache-access", "php": "php-error"}
LATE_SHARE = 0.05
ALIKE_SHARE = 0.03
ROTATE_LIMIT_S = 60


def access_line(key: str, at: float) -> str:
    """Return an access log line without its newline."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    return f'10.1.2.3 - - [{stamp}] "GET /page.html?id={key} HTTP/1.1" 200 215 "-" "Mozilla/5.0 (X11; Linux)"'


def health_line(at: float) -> str:
    """Return a line that carries no id: those of one second are identical."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    return f'10.1.2.4 - - [{stamp}] "GET /healthz HTTP/1.1" 200 2 "-" "ELB-HealthChecker/2.0"'


def php_entry(key: str, at: float) -> str:
    """Return a PHP error with its stack trace, as PHP writes it, without the final newline."""
    stamp = time.strftime("%d-%b-%Y %H:%M:%S UTC", time.gmtime(at))
    script = "/var/www/html/order.php"
    return (
        f"[{stamp}] PHP Fatal error:  Uncaught RuntimeException: order id={key} was declined\nby the bank in "
        f"{script}:4\nStack trace:\n#0 {script}(9): charge('{key}')\n#1 {{main}}\n  thrown in {script} on line 4"
    )


class CountedLog:
    """A log that is written on demand, entry by entry, each with an id.

    Attributes:
        texts: what was written, by id, in order.
        written_bytes: the size of it all, over all generations.
    """

    def __init__(self, path: Path, key: str = "", kind: Kind = "access") -> None:
        self.path = path
        self.texts: dict[str, str] = {}
        self.written_bytes = 0
        self._key = key or path.stem
        self._make = access_line if kind == "access" else php_entry

    def write(self, entries: int, at: float | None = None, *, step_s: float = 0.0, size: int = 0) -> None:
        """Append entries, the first stamped `at` (now), each of the others `step_s` later, padded to `size`."""
        at = time.time() if at is None else at
        texts = []
        for number in range(entries):
            key = f"{self._key}-{len(self.texts):07d}"
            text = self._make(key, at + number * step_s)
            text = self.texts[key] = text[:-1] + " " * (size - len(text) - 1) + text[-1]
            texts.append(f"{text}\n")
        self.append("".join(texts).encode())

    def begin_line(self, at: float) -> bytes:
        """Append the first half of one more line; returns the rest, for `append`."""
        key = f"{self._key}-{len(self.texts):07d}"
        data = self.texts.setdefault(key, self._make(key, at)).encode() + b"\n"
        self.append(data[: len(data) // 2])
        return data[len(data) // 2 :]

    def append(self, data: bytes) -> None:
        """Append bytes as they are, in one write."""
        with self.path.open("ab", buffering=0) as file:
            assert file.write(data) == len(data)
        self.written_bytes += len(data)


class Writer(threading.Thread):
    """Writes one log at a steady rate until it is stopped.

    Attributes:
        texts: what was written, by id.
        alike: how often each line without an id was written.
        written_bytes: the size of it all.
        may_write: held by whoever must not be written under, as copytruncate must not.
        reopen: appears when the log was renamed; the writer opens it anew and removes the flag.
    """

    def __init__(self, name: str, path: Path, kind: Kind, rate_per_s: float, *, slow_s: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.kind = kind
        self.texts: dict[str, str] = {}
        self.alike: Counter[str] = Counter()
        self.written_bytes = 0
        self.may_write = threading.Lock()
        self.reopen = path.with_name(f"{path.name}-reopen.flag")
        self._key = name
        self._pause_s = 1 / rate_per_s
        self._slow_s = slow_s
        self._dice = random.Random(name)
        self._is_over = threading.Event()

    def run(self) -> None:
        """Write until told to stop; after a rotation go on in the old file for a while, as a slow server does."""
        due = time.monotonic()
        while not self._is_over.is_set():
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            leave_at = float("inf")
            while not self._is_over.is_set() and time.monotonic() < leave_at:
                self._write(descriptor)
                due = max(due + self._pause_s, time.monotonic() - 0.5)
                time.sleep(max(0.0, due - time.monotonic()))
                if leave_at == float("inf") and self.reopen.exists():
                    leave_at = time.monotonic() + self._slow_s
            os.close(descriptor)
            self.reopen.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop writing."""
        self._is_over.set()
        self.join()

    def _write(self, descriptor: int) -> None:
        key, at = f"{self._key}-{len(self.texts):07d}", time.time()
        if self._dice.random() < LATE_SHARE:
            # Apache logs a request when it ends, with the time it began.
            at -= self._dice.uniform(1, 3)
        if self.kind == "php":
            text = self.texts[key] = php_entry(key, at)
        elif self._dice.random() < ALIKE_SHARE:
            text = health_line(at)
            self.alike[text] += 1
        else:
            text = self.texts[key] = access_line(key, at)
        data = text.encode() + b"\n"
        with self.may_write:
            assert os.write(descriptor, data) == len(data)
        self.written_bytes += len(data)


class Logrotate:
    """The real logrotate on some logs, each with directives of its own, and on those who write to them meanwhile."""

    def __init__(self, folder: Path, options: Mapping[Path, str], writers: Iterable[Writer] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self._config = folder / "logrotate.conf"
        self._state = folder / "logrotate.state"
        by_path = {writer.path: writer for writer in writers}
        self._copied = [by_path[path] for path in by_path if "copytruncate" in options[path]]
        self._config.write_text(
            "".join(_stanza(path, by_path.get(path), directives.split(", ")) for path, directives in options.items())
        )
        self._config.chmod(0o600)

    def run(self) -> None:
        """Rotate every log once. What is written between copying and truncating is lost to everybody: nothing is."""
        for writer in self._copied:
            writer.may_write.acquire()
        try:
            command = ["logrotate", "--force", "--state", str(self._state), str(self._config)]
            done = subprocess.run(command, check=False, timeout=ROTATE_LIMIT_S, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        finally:
            for writer in self._copied:
                writer.may_write.release()


def _stanza(path: Path, writer: Writer | None, directives: list[str]) -> str:
    lines = ["size 1", "rotate 500", "missingok", *directives]
    if writer is not None and "copytruncate" not in directives:
        lines += ["postrotate", f"touch {writer.reopen}"]
        if "compress" in directives and "delaycompress" not in directives:
            # Compressing at once is only right where the server has reopened its log by then.
            lines += [f"for i in $(seq 200); do test -e {writer.reopen} || break; sleep 0.02; done"]
        lines += ["endscript"]
    return f"{path} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"
