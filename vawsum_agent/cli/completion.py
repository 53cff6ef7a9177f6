"""``vawsum-agent completion``: the script that makes a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(
    epilog="\b\nExamples:\n  vawsum-agent completion bash > /etc/bash_completion.d/vawsum-agent\n"
    '  eval "$(vawsum-agent completion zsh)"'
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    # Imported here: the entry point imports commands, not the other way round.
    from vawsum_agent.cli.main import cli  # noqa: PLC0415

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completion_class(cli, {}, "vawsum-agent", "_VAWSUM_AGENT_COMPLETE").source())
