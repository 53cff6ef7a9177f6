"""``vawsum-agent release publish``: makes a release of a folder or a git ref, and uploads it."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vawsum_agent.aws.artifact_bucket import ArtifactBucket
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.cli.backup_progress import Show, shown
from vawsum_agent.cli.deploy_options import app_option, configured_app, configured_apps
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.daemon.session import open_session
from vawsum_agent.deploy.publish.build import Build
from vawsum_agent.deploy.publish.names import artifact_name
from vawsum_agent.deploy.publish.publish import FromFolder, FromRepository, Made, Means, Order, made, reach
from vawsum_agent.deploy.publish.publish import publish as upload
from vawsum_agent.deploy.publish.repository import checked_ref, repository
from vawsum_agent.deploy.publish.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import Config, DeployApp


@click.command(
    epilog=examples(
        "release publish --app vawsum-web --repository git@bitbucket.org:vawsum/web.git --ref master",
        "release publish --app vawsum-web --from . --build 'composer install --no-dev --classmap-authoritative'",
        "release publish --app vawsum-web --from ./build --dry-run --json",
    )
)
@config_option
@json_option
@app_option
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Publish what is in a folder, but .git."
)
@click.option("--repository", "url", metavar="URL", help="Fetch it with git, over ssh, https or file.")
@click.option("--ref", metavar="REF", help="The branch, tag or commit to fetch.")
@click.option("--recurse-submodules", is_flag=True, help="Fetch submodules, too; without it they are refused.")
@click.option(
    "--build", "command", metavar="COMMAND", help="A shell command line that builds the application in a copy of it."
)
@click.option(
    "--allow-secret",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="Publish this file though it looks like a secret; a path, or a pattern such as 'vendor/*'. Repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Make it, and tell what would be published; asks nothing of AWS.")
def publish(  # noqa: PLR0913 - an option each
    config_path: Path,
    *,
    as_json: bool,
    app_name: str,
    folder: Path | None,
    url: str | None,
    ref: str | None,
    recurse_submodules: bool,
    command: str | None,
    allowed: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Make a release of a folder or a git ref, upload it with its checksum, and print its name.

    The name is the last line on stdout, and the only one; all else goes to stderr. The same files give the same
    archive, byte by byte. The build runs in a copy, with VAWSUM_APP, VAWSUM_COMMIT and SOURCE_DATE_EPOCH in its
    environment. Nothing is ever written over: a release exists when its checksum does, which is uploaded last.
    """
    silence()
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    order = Order(
        app.name,
        _source(folder, url, ref, with_submodules=recurse_submodules),
        Build(command) if command is not None else None,
        allowed,
    )
    clock = SystemClock()
    tries = Tries(clock, time.sleep, _say)
    with _ended_in_order():
        bucket = None if dry_run else _bucket(apps.config, app)
        if bucket is not None:
            reach(bucket, tries)
        with ExitStack() as stack:
            means = Means(os.environ, clock, _say, _bar(stack, as_json=as_json))
            release = stack.enter_context(made(order, means))
            if bucket is not None:
                upload(release, bucket, tries, means)
    _tell(app, release, as_json=as_json, is_published=not dry_run)
    return 0


def _source(
    folder: Path | None, url: str | None, ref: str | None, *, with_submodules: bool
) -> FromFolder | FromRepository:
    if folder is not None and url is None and ref is None and not with_submodules:
        return FromFolder(folder)
    if folder is None and url is not None and ref is not None:
        return FromRepository(repository(url), checked_ref(ref), with_submodules)
    raise UsageError("which files are to be published?", hint="either --from DIR, or --repository URL with --ref REF")


def _bucket(config: Config, app: DeployApp) -> ArtifactBucket:
    session = open_session(config.agent, Host(InstanceMetadata()))
    origin = socket.gethostname().encode("ascii", "replace").decode("ascii")
    return ArtifactBucket(session, app.artifacts, origin)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C, so that nothing stays behind; a second one does not disturb the clearing."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(_: int, __: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    click.echo(printable(text), err=True)


def _bar(stack: ExitStack, *, as_json: bool) -> Show:
    """Give a bar that is drawn from when there is something to show: a build before that writes to the terminal."""
    drawn: list[Show] = []

    def show(phase: str, done_bytes: int, total_bytes: int | None) -> None:
        if not drawn:
            drawn.append(stack.enter_context(shown("release", as_json=as_json)))
        drawn[0](phase, done_bytes, total_bytes)

    return show


def _tell(app: DeployApp, release: Made, *, as_json: bool, is_published: bool) -> None:
    location = app.artifacts + artifact_name(release.release)
    if as_json:
        print_json(
            {
                "release": release.release,
                "app": app.name,
                "location": location,
                "size_bytes": release.packed.size_bytes,
                "files": release.packed.files,
                "sha256": release.packed.sha256,
                "commit": release.commit or None,
                "is_published": is_published,
            }
        )
        return
    what = f"{counted(release.packed.files, 'file')}, {format_bytes(release.packed.size_bytes)}"
    if is_published:
        _say(f"published {location}: {what}, SHA-256 {release.packed.sha256}")
        click.echo(release.release)
    else:
        click.echo(f"would publish {location}: {what}, SHA-256 {release.packed.sha256}")
