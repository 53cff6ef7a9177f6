"""A release published and deployed by the real commands, beside the shell scripts that they replace, in turns.

And how long a host is out of service for it, beyond what its target group asks for. S3, CloudWatch Logs and the target
groups are the sandbox's, over TLS; releases land on the file system of `/tmp`.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sandbox.aws.settings import RATE_LIMITS_PER_S
from sandbox.client import Sandbox
from tests.bench.application import PACKED_BYTES, make_application
from tests.bench.files import MEGABYTE
from tests.bench.table import Row, Target
from tests.bench.watched import time_pipe
from tests.bench.web_host import BUCKET, PREFIX, WebHost, well

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.bench.scale import Scale
    from tests.bench.web_host import Ran

_MOST_ROUNDS = 3
_DEPLOYED, _OUT_OF_SERVICE = Target(3, is_at_most=True), Target(10, is_at_most=True)
_DELAY_S = 5
_GROUP, _ME, _PEER = "web", "i-bench", "i-peer"
_UNDRAINED = 'drain = "none"'
_UNLIMITED = dict.fromkeys([*RATE_LIMITS_PER_S, "DescribeTargetHealth"], 1e6)
_CLI = "aws s3 cp --only-show-errors"


def deploying(directory: Path, scale: Scale) -> list[Row]:
    """Publish and deploy, by ours and by the scripts; then deploy in a target group.

    Raises:
        BenchError: one of them failed.
    """
    folder = directory / "application"
    make_application(folder, scale.release_files)
    rounds = range(min(scale.rounds, _MOST_ROUNDS))
    published: list[Ran] = []
    deployed: list[Ran] = []
    old = _OldWay(folder)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox.start(tls=True))
        sandbox.settings(rate_limits_per_s=_UNLIMITED)
        sandbox.create_bucket(BUCKET)
        mine, other = (stack.enter_context(well()) for _ in range(2))
        environment = sandbox.environment(tls=True)
        _warm_up(directory / "first", environment, mine, folder)
        for turn in rounds:
            host = WebHost(directory / f"turn-{turn}", environment, mine, _UNDRAINED)
            for is_ours in (True, False) if turn % 2 else (False, True):
                if is_ours:
                    published.append(host.publish(folder))
                else:
                    old.publish(environment)
            release = published[-1].document["release"]
            artifact = old.artifact(sandbox, directory, release)
            for is_ours in (True, False) if turn % 2 else (False, True):
                if is_ours:
                    deployed.append(host.deploy(release))
                else:
                    old.deploy(directory / f"script-{turn}", artifact, environment)
        drained = _drained(directory, sandbox, environment, (mine, other), published)
    return _rows(scale, published, deployed, drained, old)


def _warm_up(directory: Path, environment: Mapping[str, str], port: int, folder: Path) -> None:
    """Have everything compiled and read once."""
    host = WebHost(directory, environment, port, _UNDRAINED)
    host.deploy(host.publish(folder).document["release"])


def _drained(
    directory: Path, sandbox: Sandbox, environment: Mapping[str, str], ports: tuple[int, int], published: list[Ran]
) -> list[Ran]:
    """Deploy on one of the two hosts of a target group, each time to an application that has not met the release."""
    for instance_id, port in zip((_ME, _PEER), ports, strict=True):
        sandbox.add_host(instance_id, port=port)
    sandbox.add_target_group(_GROUP, deregistration_delay_s=_DELAY_S, interval_s=1.0, healthy_threshold_count=2)
    sandbox.register_targets(_GROUP, *zip((_ME, _PEER), ports, strict=True))
    drained: list[Ran] = []
    for turn, one in enumerate(published):
        sandbox.await_targets(_GROUP)
        host = WebHost(directory / f"drained-{turn}", environment, ports[0], "")
        drained.append(host.deploy(one.document["release"]))
    return drained


class _OldWay:
    """What people use without an agent. Without an AWS CLI its script copies a file, which can only be faster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_cli = shutil.which("aws") is not None
        self.copy = "aws s3 cp" if self._has_cli else "cp (no aws here)"
        self.published_s: list[float] = []
        self.deployed_s: list[float] = []

    def publish(self, environment: Mapping[str, str]) -> None:
        """Pack and upload."""
        name = f"s3://{BUCKET}/old/$RANDOM$RANDOM.tar.zst"
        to = f"{_CLI} - {name}" if self._has_cli else "cat >/dev/null"
        pipe = f"tar -C {self._folder} -c . | zstd -q -3 | {to}"
        self.published_s.append(time_pipe(pipe, self._cli(environment)))

    def artifact(self, sandbox: Sandbox, directory: Path, release: str) -> str:
        """Say where a release's archive is."""
        key = f"{PREFIX}{release}.tar.zst"
        if self._has_cli:
            return f"s3://{BUCKET}/{key}"
        path = directory / "artifact"
        path.write_bytes(sandbox.object_bytes(BUCKET, key))
        return str(path)

    def deploy(self, place: Path, artifact: str, environment: Mapping[str, str]) -> None:
        """Download, unpack and switch. The folder is new, and stays: ext4 takes long to make anew what was deleted."""
        new = place / "releases/new"
        new.mkdir(parents=True)
        script = (
            f"{_CLI if self._has_cli else 'cp'} {artifact} {place}/artifact && tar --zstd -xf {place}/artifact -C {new}"
            f" && rm {place}/artifact && ln -s {new} {place}/next && mv -T {place}/next {place}/current"
        )
        self.deployed_s.append(time_pipe(script, self._cli(environment)))

    def _cli(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {**environment, "AWS_CONFIG_FILE": os.devnull}


def _rows(scale: Scale, published: list[Ran], deployed: list[Ran], drained: list[Ran], old: _OldWay) -> list[Row]:
    size = f"{scale.release_files * PACKED_BYTES / MEGABYTE:,.0f} MB of {scale.release_files:,} files"
    by_hand, pipe = f"{old.copy}, tar -x, mv -T", f"tar | zstd -3 | {old.copy}"
    walls, waits = [one.wall_s for one in deployed], [one.step_s("prove") for one in deployed]
    own = [wall - wait for wall, wait in zip(walls, waits, strict=True)]
    of_script = [mine / theirs for mine, theirs in zip(walls, old.deployed_s, strict=True)]
    packing = [one.wall_s for one in published]
    of_pipe = [mine / theirs for mine, theirs in zip(packing, old.published_s, strict=True)]
    beyond = [one.document["out_of_service_s"] - _DELAY_S for one in drained]
    return [
        Row(f"deploying {size}, without the wait for health", "s", own, _DEPLOYED),
        Row(f"deploying {size}, the whole command; ratio to {by_hand}", "s", walls, None, of_script),
        Row(f"deploying {size}, by {by_hand}", "s", old.deployed_s),
        Row(f"out of service, beyond a delay of {_DELAY_S} s", "s", beyond, _OUT_OF_SERVICE),
        Row(f"publishing {size}; ratio to {pipe}", "s", packing, None, of_pipe),
        Row(f"publishing {size}, by {pipe}", "s", old.published_s),
    ]
