"""``vawsum-agent logs replay``: sends what CloudWatch had refused once more."""

from __future__ import annotations

import random
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vawsum_agent.aws.logs import LogsClient
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.config.model import LogsConfig
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.daemon.session import open_session
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.logs.replay import Choice, Replay, Report, plan
from vawsum_agent.logs.ship.put import GroupSettings, Putter

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import Config

_REASONS = ("too_old", "expired", "too_new", "refused")


@click.command(
    epilog=examples(
        "logs replay --dry-run", "logs replay", "logs replay --reason too_old --restamp", "logs replay --json"
    )
)
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only tell what would be sent, by log stream and reason.")
@click.option("--reason", "reasons", multiple=True, type=click.Choice(_REASONS), help="Only these; may be repeated.")
@click.option("--restamp", is_flag=True, help="Send what was refused for its time with the time of now.")
def replay(config_path: Path, *, as_json: bool, dry_run: bool, reasons: tuple[str, ...], restamp: bool) -> int:
    """Send the dead letters again: events that CloudWatch refused.

    What it takes is removed, everything else stays. Works beside the daemon and without it. The ledger in `status`
    goes on counting them as dropped. Exit code 1 when some stayed, 75 when another replay runs.
    """
    silence()
    config = load(config_path).config
    choice = Choice(reasons, is_restamped=restamp)
    letters = _letters(config)
    planned = plan(letters, choice, SystemClock().now())
    if dry_run or not planned.total("found"):
        report = planned
    else:
        run = Replay(letters, _putter(config), choice, SystemClock(), random.Random()).run  # noqa: S311 - jitter
        report = run(_shown(planned.total("found")))
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        print_json(_document(report, is_dry_run=dry_run))
    else:
        _print(report, is_dry_run=dry_run)
    for error in report.errors:
        click.echo(printable(f"error: {error}"), err=True)
    return 0 if dry_run else int(report.total("found") > report.total("accepted"))


def _letters(config: Config) -> DeadLetters:
    logs = config.logs or LogsConfig()
    return DeadLetters(Path(config.agent.state_dir) / "dead-letter", logs.dead_letter_limit)


def _putter(config: Config) -> Putter:
    logs = config.logs or LogsConfig()
    client = LogsClient(open_session(config.agent, Host(InstanceMetadata())))
    return Putter(client, GroupSettings(logs.retention_days, logs.kms_key_id))


def _document(report: Report, *, is_dry_run: bool) -> dict[str, object]:
    totals = ("found", "accepted", "refused", "untimely", "failed")
    return {
        "dry_run": is_dry_run,
        **{what: report.total(what) for what in totals},
        "streams": [
            {"log_group": group, "log_stream": stream, "reason": reason, **asdict(row)}
            for (group, stream, reason), row in sorted(report.rows.items())
        ],
        "errors": [str(error) for error in report.errors],
    }


def _print(report: Report, *, is_dry_run: bool) -> None:
    if not report.rows:
        click.echo("no dead letters")
    for (group, stream, reason), row in sorted(report.rows.items()):
        sendable = row.found - row.untimely
        parts = [f"{sendable} to send"] if is_dry_run else [f"{row.accepted} accepted"]
        parts += [f"{row.refused} refused again"] if row.refused else []
        parts += [f"{row.failed} failed"] if row.failed else []
        parts += [f"{row.untimely} outside the time that CloudWatch takes (--restamp)"] if row.untimely else []
        click.echo(printable(f"{group} {stream} {reason}: {', '.join(parts)}"))
    if is_dry_run or not report.rows:
        return
    found, accepted = report.total("found"), report.total("accepted")
    click.echo(f"{accepted} of {found} accepted, {found - accepted} stay")


def _shown(total: int) -> Callable[[Report], None]:
    """Show progress where somebody looks."""

    def show(report: Report) -> None:
        if sys.stderr.isatty():
            accepted = report.total("accepted")
            click.echo(f"\r\033[Kreplaying: {accepted} of {total} accepted", nl=False, err=True)

    return show
