"""``vawsum-agent notify test``: one message to the configured topic, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.alerts.message import Writer
from vawsum_agent.alerts.send import remedy
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.aws.session import connect
from vawsum_agent.aws.sns import SnsClient, region_of
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.clock import SystemClock, rfc3339
from vawsum_agent.core.errors import AwsError, UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import Config


@click.command(epilog=examples("notify test", "notify test --json"))
@config_option
@json_option
def test(config_path: Path, *, as_json: bool) -> int:
    """Send a test notification to the SNS topic of the configuration, and tell its id.

    Needs no daemon and passes by its outbox: what comes back is SNS's answer of now. That a message is taken does not
    say that anybody is subscribed: `vawsum-agent doctor`. Exit code 1 when SNS does not take it.
    """
    silence()
    config = load(config_path).config
    if config.notify is None:
        message = f"{config_path} names no topic to notify"
        raise UsageError(message, hint='add a table [notify] with sns_topic_arn = "arn:aws:sns:..."')
    topic = config.notify.sns_topic_arn
    try:
        message_id, subject = _send(config, topic)
    except AwsError as error:
        error.hint = remedy(error)
        if not as_json:
            raise
        print_json({"sent": False, "topic": topic, "error": error.message, "hint": error.hint})
        return 1
    if as_json:
        print_json({"sent": True, "topic": topic, "message_id": message_id, "subject": subject})
    else:
        click.echo(printable(f"sent to {topic}: message {message_id}"))
    return 0


def _send(config: Config, topic: str) -> tuple[str, str]:
    now = SystemClock().now()
    identity = Host(InstanceMetadata()).identity(config.agent)
    letter = Writer(identity).test(now)
    # Not agent.region: the topic says by itself where it is.
    client = SnsClient(connect(region_of(topic)), identity.instance_id)
    return client.publish(topic, letter.subject, letter.body, key=f"{rfc3339(now)} {letter.subject}"), letter.subject
