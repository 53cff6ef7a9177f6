"""``vawsum-agent images apache-config``: what Apache needs to send visitors to the pictures that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.errors import UsageError
from vawsum_agent.images.serve.apache import apache_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder


@click.command(
    "apache-config",
    epilog=examples("images apache-config > /etc/apache2/vawsum-images.conf", "images apache-config --json"),
)
@config_option
@json_option
def apache_config(config_path: Path, *, as_json: bool) -> int:
    """Print what Apache needs to send visitors to the pictures that moved.

    Its first lines say how to install it. Write it again whenever a folder's path, public_url, url_path or types
    change. Folders without a public_url are left out.
    """
    images = load(config_path).config.images
    folders = [folder for folder in images.folder if folder.public_url] if images else []
    if not folders:
        message = f"{config_path} names no folder with an address to lead to"
        raise UsageError(message, hint='add a table [[images.folder]] with public_url = "https://..."')
    text = apache_configuration(folders)
    if as_json:
        print_json({"configuration": text, "folders": [_row(folder) for folder in folders]})
    else:
        click.echo(text, nl=False)
    return 0


def _row(folder: ImagesFolder) -> dict[str, str]:
    return {
        "name": folder.name,
        "path": folder.path,
        "url_path": folder.served_at,
        "public_url": folder.public_url,
    }
