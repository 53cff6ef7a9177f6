"""The local host logs every visit once, through rotations, and the demo leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox.demo.metrics_verdict import read_log
from sandbox.demo.play import SCENES
from sandbox.demo.verdict import written_texts
from sandbox.host import SETTLE_S, Rotation, StandInHost, Traffic, WebHost, open_host, written_entries
from sandbox.proof import find_ids
from sandbox.servers.mariadb import MariaDb
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import open_directory
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.servers import ApacheSource, PhpFpmSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def open_stand_in(directory: Path) -> Iterator[WebHost]:
    """Run the stand-in, also where real servers are installed."""
    host = StandInHost(directory)
    try:
        yield host
    finally:
        host.stop()


@pytest.mark.parametrize("opening", [open_host, open_stand_in])
def test_every_visit_is_logged_once_through_rotations(
    opening: Callable[[Path], AbstractContextManager[WebHost]],
) -> None:
    """What was served stands in the files of all generations, each id once, stack traces whole."""
    with open_directory("vawsum-host-") as directory:
        with opening(directory / "host") as host:
            rotation = Rotation(directory / "rotation", host)
            traffic = Traffic(host, 100)
            traffic.start()
            for _ in range(3):
                time.sleep(SETTLE_S)
                rotation.run()
            traffic.stop()
        access, error, php = host.logs
        texts = written_texts(access)
        assert len(traffic.served) > 150
        assert traffic.unsure == []
        assert sorted(texts) == sorted(traffic.served)
        assert {log.name for log in host.logs if Path(f"{log.path}.2.gz").exists()} >= {"apache-access", "apache-error"}
        assert len(written_texts(error)) == sum('HTTP/1.1" 404 ' in str(text) for text in texts.values())
        traces = written_texts(php)
        assert len(traces) == sum('HTTP/1.1" 500 ' in str(text) for text in texts.values()) > 0
        assert all(str(text).endswith("on line 4") and len(set(find_ids(str(text)))) == 1 for text in traces.values())


@pytest.mark.parametrize("opening", [open_host, open_stand_in])
def test_status_pages_tell_of_visits(opening: Callable[[Path], AbstractContextManager[WebHost]]) -> None:
    """The agent reads both pages: they count visits, stand in no access log themselves, and PHP-FPM's goes with it."""
    with open_directory("vawsum-host-") as directory, opening(directory / "host") as host:
        apache = ApacheSource(host.status_urls["apache"])
        php_fpm = PhpFpmSource(host.status_urls["php_fpm"])
        before = apache.collect(), php_fpm.collect()
        for number in range(20):
            host.visit("script", f"{number:08d}")
        time.sleep(0.3)  # Apache books a request a moment after its answer
        after = apache.collect(), php_fpm.collect()
        served, accepted = (
            new.counters[name] - old.counters[name]
            for old, new, name in zip(before, after, ("apache_requests", "php_fpm_accepted_connections"), strict=True)
        )
        assert (served >= 20, accepted) == (True, 20)
        host.stop_php()
        host.visit("script", "00000020")
        with pytest.raises(AgentError, match="answered 503"):
            php_fpm.collect()
        assert apache.collect().gauges
        host.start_php()
        host.visit("script", "00000021")
        assert php_fpm.collect().gauges
        told = read_log(written_entries(host.logs[0]))
        assert told.counts == (22, 1, 22)


class Unready(MariaDb):
    """A server during whose start somebody presses Ctrl-C."""

    started_pid = 0

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        self.started_pid = self.pid
        raise KeyboardInterrupt


def test_php_fpm_starts_beside_what_a_killed_one_left() -> None:
    """Started is only what the new one answers itself, while a worker of one that was killed still listens."""
    with open_directory("vawsum-fpm-") as directory, socket.socket(socket.AF_UNIX) as worker:
        worker.bind(str(directory / "fpm.sock"))
        worker.listen()
        with PhpFpm(directory) as php_fpm:
            assert (directory / "php-fpm.pid").read_text() == str(php_fpm.pid)


def test_interrupted_start_leaves_nothing_running(tmp_path: Path) -> None:
    """A server that was started and is not entered yet ends as well."""
    server = Unready(tmp_path / "mariadb")
    with pytest.raises(KeyboardInterrupt):
        server.start()
    assert server.started_pid
    assert not psutil.pid_exists(server.started_pid)


@pytest.mark.parametrize("scene", SCENES)
def test_interrupted_demo_leaves_nothing_running(scene: str) -> None:
    """Ctrl-C, even twice, ends servers, daemon and sandbox, removes the demo's folder, and says so."""
    with open_directory("vd-") as directory:
        demo = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "demo", "--scene", scene],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": str(directory)},
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(4)
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        time.sleep(0.2)
        demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=60)
        assert demo.returncode == 130, said
        assert "everything was stopped" in said
        assert len(children) > 1
        # What lost its parent is dead, and there until the first process has collected it.
        assert psutil.wait_procs(children, timeout=30)[1] == []
        assert list(directory.iterdir()) == []
