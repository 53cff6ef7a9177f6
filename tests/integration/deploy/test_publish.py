"""`release publish` as it is called: what it prints, what lies in S3 then, and what is left when it fails."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import structlog

from tests.integration.deploy.publish_fixtures import ARTIFACTS, BUCKET, PREFIX, bucket, sandbox, shared
from tests.integration.deploy.repositories import a_repository, environ, git
from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.main import cli
from vawsum_agent.deploy.fetch.fetch import fetch_release
from vawsum_agent.deploy.fetch.from_bucket import BucketArtifacts
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.publish.names import published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from vawsum_agent.aws.artifact_bucket import ArtifactBucket

__all__ = ["bucket", "sandbox", "shared"]

AGENT = Path(sys.executable).with_name("vawsum-agent")
APP = ("--app", "vawsum-web")
LIMIT_S = 60.0
MIB = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    error: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        printed: dict[str, Any] = json.loads(self.out)
        return printed


class BuildHost:
    """Where releases are built.

    Args:
        folder: its own.
        sandbox: with the bucket.
        capture: of what this process prints.

    Attributes:
        temporary: where it keeps what it needs for a while.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, capture: pytest.CaptureFixture[str]) -> None:
        self.sandbox = sandbox
        self._capture = capture
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self._config = folder / "agent.toml"
        self.configure()

    def configure(self, artifacts: str = ARTIFACTS) -> None:
        """Write the configuration."""
        self._config.write_text(
            f'[[deploy.app]]\nname = "vawsum-web"\npath = "/var/www/vawsum-web"\nartifacts = "{artifacts}"\n'
            'health_url = "http://127.0.0.1/healthz"\n'
        )

    def environment(self) -> dict[str, str]:
        """What it needs."""
        of_aws = {name: value for name, value in self.sandbox.environment().items() if name.startswith("AWS_")}
        return environ() | of_aws | {"TMPDIR": str(self.temporary)}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start it as a process."""
        return subprocess.Popen(
            [AGENT, "release", "publish", "--config", self._config, *APP, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> Ended:
        """Run it to its end, in this process."""
        line = ["release", "publish", "--config", str(self._config), *map(str, arguments)]
        code = exit_code_of(lambda: cli(line, standalone_mode=False))
        assert list(self.temporary.iterdir()) == []
        return Ended(code, *self._capture.readouterr())

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for the end; nothing temporary is left then."""
        out, error = process.communicate(timeout=LIMIT_S)
        assert list(self.temporary.iterdir()) == []
        return Ended(process.returncode, out, error)

    def expect_nothing_published(self) -> None:
        """No object, and nothing that is still being uploaded."""
        assert self.sandbox.objects(BUCKET) == []
        assert self.sandbox.uploads(BUCKET) == []


@pytest.fixture
def host(
    tmp_path: Path, sandbox: Sandbox, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[BuildHost]:
    """A host that has never built anything."""
    host = BuildHost(tmp_path / "host", sandbox, capfd)
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in host.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(host.temporary))
    yield host
    structlog.reset_defaults()  # a command silences it for the rest of its process, which is ours


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A repository of an application."""
    return a_repository(tmp_path / "web", {"index.php": "<?php\n", "public/app.css": "body {}\n"})


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder whose archive goes in two parts."""
    (tmp_path / "large").mkdir()
    (tmp_path / "large/data.bin").write_bytes(os.urandom(18 * MIB))
    return tmp_path / "large"


def test_what_is_published_is_what_a_host_fetches(
    host: BuildHost, web: Path, bucket: ArtifactBucket, tmp_path: Path
) -> None:
    """From a git ref through a build to a host's folder; stdout is the release's name and nothing else."""
    ref = ("--repository", f"file://{web}", "--ref", "master")
    with host.start(*ref, "--build", "echo hello; echo x > built") as process:
        made = host.ended(process)
    assert made.code == 0, made.error
    release = made.out.strip()
    assert made.out == f"{release}\n"
    assert release.endswith(f"Z-{git(web, 'rev-parse', 'HEAD')[:12]}")
    assert "hello\n" in made.error
    assert published(row.name for row in bucket.listing()) == [release]
    app = AppFolder(tmp_path / "app")
    app.path.mkdir()
    fetched = fetch_release(BucketArtifacts(bucket), app, release, sha256=None, say=lambda _: None)
    assert fetched.files == 3
    files = {path.name: path.read_text() for path in app.release(release).rglob("*") if path.is_file()}
    assert files == {"index.php": "<?php\n", "app.css": "body {}\n", "built": "x\n"}


def test_the_document(host: BuildHost, web: Path) -> None:
    """Where it is, how large, its checksum as it lies beside it, and its commit; sha256sum's format."""
    made = host.run(*APP, "--from", web, "--json")
    assert made.code == 0, made.error
    told = made.document
    artifact, checksum = sorted(host.sandbox.objects(BUCKET), key=lambda one: one.key, reverse=True)
    name = f"{told['release']}.tar.zst"
    assert artifact.key == f"{PREFIX}{name}"
    body = host.sandbox.object_bytes(BUCKET, artifact.key)
    sha256 = hashlib.sha256(body).hexdigest()
    assert told == {
        "release": told["release"],
        "app": "vawsum-web",
        "location": f"{ARTIFACTS}{name}",
        "size_bytes": len(body),
        "files": 2,
        "sha256": sha256,
        "commit": git(web, "rev-parse", "HEAD"),
        "is_published": True,
    }
    assert artifact.metadata["vawsum-sha256"] == sha256
    assert host.sandbox.object_bytes(BUCKET, checksum.key).decode() == f"{sha256}  {name}\n"


def test_large_ones_go_in_parts_through_failures(host: BuildHost, large: Path) -> None:
    """Each part is sent again when it must be; why it takes longer is said; nothing stays of the upload."""
    host.sandbox.fault("unavailable", operation="s3:UploadPart", count=1)
    host.sandbox.fault("failure_after", operation="s3:CompleteMultipartUpload", count=1)
    host.sandbox.fault("reset_after", operation="s3:PutObject", count=1)
    made = host.run(*APP, "--from", large)
    assert made.code == 0, made.error
    assert "trying again: " in made.error
    assert len(host.sandbox.objects(BUCKET)) == 2
    assert host.sandbox.uploads(BUCKET) == []
    assert host.sandbox.violations() == []


def test_an_archive_without_a_checksum_is_no_release(host: BuildHost, web: Path, bucket: ArtifactBucket) -> None:
    """What is refused between the two is not there for anybody; publishing again makes another one."""
    host.sandbox.fault("deny", operation="s3:PutObject", group="*.sha256", count=1)
    refused = host.run(*APP, "--from", web)
    assert refused.code == 1
    assert refused.out == ""
    assert "s3:PutObject" in refused.error.splitlines()[-1]
    (left,) = [row.name for row in bucket.listing()]
    assert left.endswith(".tar.zst")
    assert published([left]) == []
    (web / "index.php").write_text("<?php // of another name in the same second\n")
    again = host.run(*APP, "--from", web)
    assert published(row.name for row in bucket.listing()) == [again.out.strip()]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.soak),
        pytest.param(signal.SIGHUP, marks=pytest.mark.soak),
    ],
)
def test_an_interrupted_build_leaves_nothing(host: BuildHost, web: Path, number: signal.Signals) -> None:
    """Neither files nor processes, nor anything in S3."""
    with host.start("--from", web, "--build", "echo $$ > pid; sleep 300") as process:
        _wait_for(lambda: any(path.stat().st_size for path in host.temporary.rglob("pid")))
        (pid,) = [int(path.read_text()) for path in host.temporary.rglob("pid")]
        process.send_signal(number)
        ended = host.ended(process)
    assert (ended.code, ended.out) == (1, "")
    assert not psutil.pid_exists(pid)
    host.expect_nothing_published()


def test_an_interrupted_upload_leaves_nothing(host: BuildHost, large: Path) -> None:
    """Its parts are thrown away."""
    host.sandbox.fault("bandwidth", operation="s3:UploadPart", bytes_per_s=4 * MIB)
    with host.start("--from", large) as process:
        _wait_for(lambda: bool(host.sandbox.uploads(BUCKET)))
        process.send_signal(signal.SIGTERM)
        assert host.ended(process).code == 1
    host.expect_nothing_published()


def test_without_a_bucket_nothing_is_built(host: BuildHost, web: Path, tmp_path: Path) -> None:
    """Minutes of a build are not spent before S3 is known to be there; a dry run asks nothing of it."""
    host.configure("s3://no-such-bucket/web/")
    build = ("--from", web, "--build", f"touch {tmp_path}/built")
    ended = host.run(*APP, *build)
    assert ended.code == 1
    assert "no-such-bucket" in ended.error
    assert not (tmp_path / "built").exists()
    dry = host.run(*APP, *build, "--dry-run")
    assert dry.code == 0, dry.error
    assert dry.out.startswith("would publish s3://no-such-bucket/web/")
    assert (tmp_path / "built").exists()


def test_what_makes_no_sense_is_said(host: BuildHost, web: Path) -> None:
    """One line, exit code 64, and never a password."""
    for arguments in (
        APP,
        (*APP, "--from", web, "--ref", "master"),
        (*APP, "--from", web, "--repository", web),
        (*APP, "--repository", web),
        (*APP, "--repository", "http://me:s3cr3t@host/web.git", "--ref", "master"),
        (*APP, "--repository", web, "--ref", "--upload-pack=x"),
        (*APP, "--from", "/nowhere", "--dry-run"),
        ("--app", "other", "--from", web),
        ("--from", web),
    ):
        ended = host.run(*arguments)
        assert (ended.code, ended.out) == (64, ""), arguments
        assert ended.error.startswith("error: ")
        assert ended.error.count("\n") == 1
        assert "s3cr3t" not in ended.error


def _wait_for(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
