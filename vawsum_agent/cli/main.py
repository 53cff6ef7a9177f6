"""The entry point: the commands by name, each imported only when it is called, so that ``run`` stays small."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import click

from vawsum_agent import __version__
from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.lazy import LazyGroup

_COMMANDS = {
    "run": "vawsum_agent.cli.run:run",
    "status": "vawsum_agent.cli.status:status",
    "drain": "vawsum_agent.cli.drain:drain",
    "doctor": "vawsum_agent.cli.doctor:doctor",
    "check-config": "vawsum_agent.cli.check_config:check_config",
    "logs": "vawsum_agent.cli.logs:logs",
    "images": "vawsum_agent.cli.images:images",
    "backup": "vawsum_agent.cli.backup:backup",
    "release": "vawsum_agent.cli.release:release",
    "deploy": "vawsum_agent.cli.deploy:deploy",
    "notify": "vawsum_agent.cli.notify:notify",
    "owner-helper": "vawsum_agent.cli.owner_helper:owner_helper",
    "completion": "vawsum_agent.cli.completion:completion",
}


@click.group(
    cls=LazyGroup,
    commands_at=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 64 wrong usage, 75 busy, 78 bad configuration; "
    "status: 0 ok, 1 degraded, 2 failed or not running.",
)
@click.version_option(__version__, prog_name="vawsum-agent", message="%(prog)s %(version)s")
def cli() -> None:
    """One daemon for the logs, metrics, uploads, backups and deploys of a PHP host on AWS."""


def main() -> None:
    """Run the command that the arguments name, and exit."""
    _open_what_is_closed()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # Python's own remarks are for developers, who ask for them with -W
    code = exit_code_of(lambda: cli(prog_name="vawsum-agent", standalone_mode=False))
    gc.freeze()  # everything goes with the process: to look through it for garbage first takes up to 0.2 s
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Give what is printed somewhere to go where the caller closed it: Python has no stream then."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: PTH123, SIM115 - for as long as we live
            setattr(sys, name, nowhere)
