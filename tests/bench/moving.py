"""A folder's backlog of pictures moved to S3 by hand, and the same by `rclone move`: each the real command.

Both send eight at a time over TLS to the same nginx, with a digest of each picture that the service is to verify before
it answers, and remove the picture then. rclone's digest is an MD5, and it asks for each object once more: its defaults.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.demo.agent import BINARY, as_user
from tests.bench.daemon import BenchError
from tests.bench.nginx_bucket import NginxBucket
from tests.bench.table import Row, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.bench.scale import Scale

PICTURE_BYTES = 100_000
JOBS = "8"
_OWNER = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
_A_FOLDER = 500
_MOST_ROUNDS = 3
_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
_SETTLE_S = 1.1
"""A file is left alone for a second after it was touched, which is as little as can be configured."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long it took, and the CPU of the process and all that it started."""

    count: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Files a second."""
        return self.count / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU a file."""
        return self.cpu_s * 1000 / self.count


def moving(directory: Path, scale: Scale) -> list[Row]:
    """Move the pictures, by ours and by rclone in turns.

    Raises:
        BenchError: one of them failed, or left a picture, or rclone is not installed.
    """
    if shutil.which("rclone") is None:
        message = "rclone is not installed: run make setup"
        raise BenchError(message)
    ours: list[Pace] = []
    theirs: list[Pace] = []
    with NginxBucket(directory / "nginx", PICTURE_BYTES) as nginx, _roomy(scale.pictures, directory) as roomy:
        runs = [(_agent(roomy, directory), ours), (_rclone(roomy, nginx), theirs)]
        for _ in range(min(scale.rounds, _MOST_ROUNDS)):
            runs.reverse()
            for command, paces in runs:
                _make_pictures(roomy, scale.pictures)
                time.sleep(_SETTLE_S)
                paces.append(_measured(command, nginx.environment(), roomy, scale.pictures))
    ratios = [mine.per_s / other.per_s for mine, other in zip(ours, theirs, strict=True)]
    what = f"moving {scale.pictures:,} pictures of 100 KB"
    return [
        Row(f"{what}; ratio to rclone", "files/s", [pace.per_s for pace in ours], None, ratios, Target(1.0)),
        Row(f"{what}, a file", "ms of CPU", [pace.cpu_ms for pace in ours], Target(1.5, is_at_most=True)),
        Row(f"{what}, by rclone", "files/s", [pace.per_s for pace in theirs]),
        Row(f"{what}, by rclone, a file", "ms of CPU", [pace.cpu_ms for pace in theirs]),
    ]


@contextmanager
def _roomy(count: int, directory: Path) -> Iterator[Path]:
    """Make a folder in memory if there is enough of it: a disk that writes back would be what is measured."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2 * count * PICTURE_BYTES
    with tempfile.TemporaryDirectory(prefix="vawsum-bench-", dir=memory if has_room else directory) as made:
        Path(made).chmod(0o755)
        yield Path(made) / "uploads"


def _make_pictures(folder: Path, count: int) -> None:
    """Put pictures into subfolders, none like another, all the owner's."""
    account = pwd.getpwnam(_OWNER)
    shutil.rmtree(folder, ignore_errors=True)
    noise = os.urandom(PICTURE_BYTES - len(_JPEG) - 8).replace(b"<?", b"..")
    for number in range(count):
        inner = folder / f"{number // _A_FOLDER:04}"
        if number % _A_FOLDER == 0:
            inner.mkdir(parents=True)
            os.chown(folder, account.pw_uid, account.pw_gid)
            os.chown(inner, account.pw_uid, account.pw_gid)
        picture = inner / f"{number:08}.jpg"
        picture.write_bytes(b"%b%b%08d" % (_JPEG, noise, number))
        os.chown(picture, account.pw_uid, account.pw_gid)


def _agent(folder: Path, directory: Path) -> list[str]:
    path = directory / "agent.toml"
    path.write_text(
        f'[agent]\ninstance_id = "i-bench"\nregion = "ap-south-1"\n'
        f'state_dir = "{directory}"\nruntime_dir = "{directory}"\n\n[images]\n[[images.folder]]\nname = "app"\n'
        f'path = "{folder}"\nbucket = "vawsum-images"\nprefix = "uploads/"\nmin_age = "1s"\nowner = "{_OWNER}"\n'
        'public_url = "https://images.vawsum.com/uploads/"\n'
    )
    return [str(BINARY), "images", "move", "--jobs", JOBS, "--config", str(path)]


def _rclone(folder: Path, nginx: NginxBucket) -> list[str]:
    to = [":s3:vawsum-images/uploads", "--s3-provider", "Other", "--s3-env-auth", "--s3-no-check-bucket"]
    where = ["--s3-endpoint", nginx.url, "--s3-region", "ap-south-1", "--ca-cert", str(nginx.authority)]
    return ["rclone", "move", str(folder), *to, *where, "--transfers", JOBS, "--config", os.devnull]


def _measured(command: Sequence[str], environment: Mapping[str, str], folder: Path, count: int) -> Pace:
    # rclone refuses to start with a bundle in its environment; it is told by an option.
    kept = {name: value for name, value in environment.items() if name != "AWS_CA_BUNDLE" or command[0] != "rclone"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*as_user(_OWNER), *command], env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        said = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    left = sum(len(names) for _, _, names in os.walk(folder))
    if process.returncode or left:
        message = f"{command[0]} ended with {process.returncode} and left {left} pictures; it said:\n{said[-2000:]}"
        raise BenchError(message)
    return Pace(count, wall_s, used.ru_utime + used.ru_stime)
