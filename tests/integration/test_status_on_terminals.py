"""``vawsum-agent status`` on real terminals of several sizes, and in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.agents import Agent
from tests.unit.cli.test_status_screen import LONG_PATH, troubled

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY = Path(sys.executable).with_name("vawsum-agent")
LIMIT_S = 60.0
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """A control socket that tells of a bad night."""
    agent = Agent(tmp_path, troubled()).start()
    yield agent
    agent.stop()


class Terminal:
    """A command on a terminal of some size."""

    def __init__(self, agent: Agent, *words: str, width: int, height: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        # Whoever starts tests in the background may have them ignore Ctrl-C, which a child would inherit.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [BINARY, *words, "--config", str(agent.config)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment | {"TERM": "xterm-256color", "PYTHONUTF8": "1"},
        )
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        self.text = ""

    def read(self) -> bool:
        """Take what was written; False when the command has ended."""
        if select.select([self._master], [], [], 0.1)[0]:
            try:
                self.text += os.read(self._master, 1 << 16).decode(errors="replace").replace("\r\n", "\n")
            except OSError:  # EIO: the other side is closed
                return False
        return True

    def close(self) -> None:
        """Wait for the command, which lets go of the terminal a moment before it ends; a kill ends one that hangs."""
        try:
            self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_broken_by_the_terminal(agent: Agent, width: int) -> None:
    """Whatever the terminal's width, the lines are made for it, in colour."""
    terminal = Terminal(agent, "status", "--files", width=width, height=24)
    ends_at = time.monotonic() + LIMIT_S
    while terminal.read():
        assert time.monotonic() < ends_at
    terminal.close()
    assert terminal.process.returncode == 2
    assert ESCAPE.search(terminal.text)
    lines = ESCAPE.sub("", terminal.text).splitlines()
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    assert [line.split()[0] for line in lines if line.startswith(("alerts ", "logs ", "metrics "))] == [
        *("alerts", "logs", "metrics")
    ]


def test_watching_on_a_small_screen(agent: Agent) -> None:
    """At 60 by 12 every picture has the components and what is wrong; the last one is left behind in full."""
    terminal = Terminal(agent, "status", "--watch", "--files", "--interval", "100ms", width=60, height=12)
    ends_at = time.monotonic() + LIMIT_S
    while terminal.text.count("COMPONENT") < 4:
        assert terminal.read()
        assert time.monotonic() < ends_at
    terminal.process.send_signal(signal.SIGINT)
    while terminal.read():
        assert time.monotonic() < ends_at
    terminal.close()
    assert terminal.process.returncode == 0
    pictures, left_behind = terminal.text.split("\x1b[?1049l")
    for picture in pictures.split("\x1b[H")[2:-1]:
        lines = [line.rstrip() for line in ESCAPE.sub("", picture).splitlines()]
        assert len(lines) <= 12
        assert "! metrics: no region" in lines
        assert {"COMPONENT", "alerts", "logs", "metrics"} <= {line.split(" ")[0] for line in lines}
        assert sum(line.startswith("… ") for line in lines) >= 1
    assert "let the daemon's user read it" in ESCAPE.sub("", left_behind)


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"COLUMNS": "40"}, {"PYTHONIOENCODING": "ascii"}])
def test_in_a_pipe(agent: Agent, environment: dict[str, str]) -> None:
    """A pipe gets whole lines without colours or blanks at their ends, whatever the environment says of terminals."""
    command = [str(BINARY), "status", "--files", "--config", str(agent.config)]
    ended = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, "")
    lines = ended.stdout.splitlines()
    assert f"! logs: {LONG_PATH} can't be read" in lines
    assert all(line == line.rstrip() for line in lines)
    assert "\x1b" not in ended.stdout
