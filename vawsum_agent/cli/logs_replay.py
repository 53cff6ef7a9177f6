"""``vawsum-agent logs replay``: sends what CloudWatch had refused once more."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vawsum_agent.aws.logs import LogsClient
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.session import open_session
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.logs.replay import Choice, Replay, Report

_REASONS = ("too_old", "expired", "too_new", "refused")


@click.command(
    epilog=examples(
        "logs replay --dry-run", "logs replay", "logs replay --reason too_old --restamp", "logs replay --json"
    )
)
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only count what would be sent.")
@click.option("--reason", "reasons", multiple=True, type=click.Choice(_REASONS), help="Only these; may be repeated.")
@click.option("--restamp", is_flag=True, help="Send with the time of now, for events too old to be taken otherwise.")
def replay(config_path: Path, *, as_json: bool, dry_run: bool, reasons: tuple[str, ...], restamp: bool) -> int:
    """Send the dead letters again: events that CloudWatch refused.

    What it takes is removed, what it refuses again stays. Works beside the daemon. The ledger in `status` goes on
    counting them as dropped. Exit code 1 when some stayed.
    """
    config = load(config_path).config
    limit = config.logs.dead_letter_limit if config.logs else 1
    letters = DeadLetters(Path(config.agent.state_dir) / "dead-letter", limit)
    client = LogsClient(open_session(config.agent, Host(InstanceMetadata())))
    choice = Choice(reasons, is_restamped=restamp, is_dry_run=dry_run)
    report = Replay(letters, client, choice, SystemClock()).run(_show)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        print_json({"dry_run": dry_run, "found": report.found, "sent": report.sent, "kept": report.kept})
    elif not report.found:
        click.echo("no dead letters")
    else:
        found = ", ".join(f"{count} {reason}" for reason, count in report.found.items())
        click.echo(f"would send {found}" if dry_run else f"{found}: {report.sent} sent, {report.kept} refused again")
    return int(report.kept > 0)


def _show(report: Report) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\033[Kreplaying: {report.sent} sent, {report.kept} refused again", nl=False, err=True)
