"""``vawsum-agent images systemd-config``: what systemd's units need to let the agent at the folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.images_folders import chosen
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.images.units import DAEMON, FILE, daemon_drop_in, helper_drop_in, helper_unit

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "systemd-config",
    epilog=examples(
        "images systemd-config > /etc/systemd/system/vawsum-agent.service.d/vawsum-images.conf",
        "images systemd-config --owner www-data",
        "images systemd-config --json",
    ),
)
@config_option
@json_option
@click.option("--owner", default="", metavar="USER", help="For the helper that removes this user's files.")
def systemd_config(config_path: Path, *, as_json: bool, owner: str) -> int:
    """Print the drop-in that lets the service see the folders whose images move.

    Its first lines say how to install it. The service's unit hides where applications lie; this opens the configured
    folders again, for reading, and nothing else. Write it again whenever a folder's path changes. With --owner it is
    the drop-in for that user's helper, which needs one only where the folder is hidden from it or read-only.
    """
    folders = chosen(load(config_path).config, config_path, ())
    if owner and owner not in {folder.owner for folder in folders}:
        message = f"no folder belongs to {printable(owner)}"
        raise UsageError(message, hint=f"the owners are {', '.join(sorted({folder.owner for folder in folders}))}")
    unit = helper_unit(owner) if owner else DAEMON
    text = helper_drop_in(folders, owner) if owner else daemon_drop_in(folders)
    if as_json:
        print_json({"unit": unit, "file": FILE.format(unit=unit), "configuration": text})
    else:
        click.echo(text, nl=False)
    return 0
