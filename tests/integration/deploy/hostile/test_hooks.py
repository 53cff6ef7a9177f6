"""Hooks and health checks of a release that hang, fork, or change their mind: taken back, and nobody waits for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.host.fleet import PAGES
from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import FIRST
from tests.integration.deploy.hostile.malice import BAD, end_all, expect_taken_back, put_files, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import DeployHost

MARK = "613.25"
"""Seconds that nothing else sleeps for."""


def with_hook(aws: Sandbox, name: str, run: str, timeout: str = "20s") -> str:
    """Publish a release with one hook."""
    hook = f"[hooks.{name}]\nrun = '''{run}'''\ntimeout = '{timeout}'\n"
    return put_files(aws, {**PAGES, "deploy.toml": hook})


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """End what a hook has started and nobody else ends."""
    yield
    end_all(MARK)


HANGS = {
    "hangs": f"sleep {MARK}",
    "hangs and takes no notice": f"trap '' TERM INT HUP; echo here; while :; do sleep {MARK}; done",
    "stops itself": "kill -STOP $$",
    "floods": "while :; do echo flood; done",
}


@pytest.mark.parametrize("what", HANGS if IS_SOAK else ["hangs"])
def test_a_hook_hangs(aws: Sandbox, host: DeployHost, what: str) -> None:
    """It is ended when its time is up, with all that it started."""
    ended = host.deploy(with_hook(aws, "fetched", HANGS[what], timeout="500ms"))
    expect_taken_back(host, ended, "hook fetched", "did not end within 500ms and was ended")
    assert running(MARK) == []


def test_a_hook_leaves_a_process(aws: Sandbox, host: DeployHost) -> None:
    """One that holds the output of the hook open, too: it is killed, and the hook has failed."""
    ended = host.deploy(with_hook(aws, "fetched", f"sleep {MARK} & echo started"))
    expect_taken_back(host, ended, "hook fetched", "left 1 process in the background")
    assert running(MARK) == []


DAEMONS = ["nohup setsid sleep {} >/dev/null 2>&1 &", "setsid sleep {} &"]


@pytest.mark.parametrize("what", DAEMONS if IS_SOAK else DAEMONS[:1])
def test_a_hook_becomes_a_daemon(aws: Sandbox, host: DeployHost, what: str) -> None:
    """One that left its group is nobody's to wait for, whatever it holds open: the deploy goes on to its end."""
    began = time.monotonic()
    ended = host.deploy(with_hook(aws, "drained", what.format(MARK)))
    assert ended.code == 0, ended.error
    assert time.monotonic() - began < 60
    assert host.serves() == BAD
    assert len(running(MARK)) == 1


def test_the_health_check_flaps(aws: Sandbox, host: DeployHost) -> None:
    """Well one time and ill the next is not well; the release before is served, and proven by the same check."""
    host.config.write_text(host.config.read_text().replace("/healthz", "/healthz.php"))
    (host.folder.release(FIRST) / "healthz.php").write_text("ok")
    flapping = (
        "<?php $file = fopen(__DIR__ . '/storage/count', 'c+'); flock($file, LOCK_EX); $count = (int) fgets($file);"
        " rewind($file); fwrite($file, (string) ($count + 1)); http_response_code($count % 2 ? 503 : 200);"
    )
    files = {**PAGES, "healthz.php": flapping, "deploy.toml": 'writable = ["storage"]\n'}
    expect_taken_back(host, host.deploy(put_files(aws, files)), "prove", "the health check flaps")
