"""Configuration files for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.config.load import load
from vawsum_agent.core.errors import ConfigError, Violation

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import Config

SOURCE = """
[[logs.source]]
name = "access"
paths = ["/var/log/apache2/*access.log"]
format = "apache-access"
"""


def write(folder: Path, text: str, **further: str) -> Path:
    """Write ``agent.toml`` and, by name, files of its ``conf.d``."""
    main = folder / "agent.toml"
    main.write_text(text)
    for name, content in further.items():
        (folder / "conf.d").mkdir(exist_ok=True)
        (folder / "conf.d" / f"{name}.toml").write_text(content)
    return main


def config_of(folder: Path, text: str, **further: str) -> Config:
    """Load files that hold."""
    return load(write(folder, text, **further)).config


def violations_of(folder: Path, text: str, **further: str) -> list[Violation]:
    """Load files that don't hold."""
    try:
        load(write(folder, text, **further))
    except ConfigError as error:
        return error.violations
    return []
