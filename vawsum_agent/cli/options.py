"""The options every command takes, and how a JSON document is printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from vawsum_agent.config.load import DEFAULT_PATH
from vawsum_agent.core.units import format_duration, parse_duration_s, parse_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def config_option(command: F) -> F:
    """``--config FILE``, passed as ``config_path``."""
    return click.option(
        "--config",
        "config_path",
        # One that can't be read is a bad configuration (78), no wrong use (64), which systemd would try for ever.
        type=click.Path(path_type=Path, readable=False),
        default=DEFAULT_PATH,
        envvar="VAWSUM_AGENT_CONFIG",
        show_default=True,
        show_envvar=True,
        metavar="FILE",
        help="The main configuration file; conf.d/*.toml beside it is read too.",
    )(command)


def json_option(command: F) -> F:
    """``--json``, passed as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(command)


class Duration(click.ParamType[float]):
    """``90s`` as 90.0 seconds.

    Args:
        least_s: less is refused.
    """

    name = "duration"

    def __init__(self, *, least_s: float = 0.0) -> None:
        self._least_s = least_s

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.ParamType.convert`."""
        try:
            duration_s = float(value) if isinstance(value, int | float) else parse_duration_s(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is not {error}", param, ctx)
        if duration_s < self._least_s:
            self.fail(f"{value!r} is less than {format_duration(self._least_s)}", param, ctx)
        return duration_s


class Size(click.ParamType[int]):
    """``10MiB`` as 10485760 bytes; at least one."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See `click.ParamType.convert`."""
        try:
            size_bytes = value if isinstance(value, int) else parse_size_bytes(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is not {error}", param, ctx)
        if size_bytes < 1:
            self.fail(f"{value!r} is nothing", param, ctx)
        return size_bytes


def examples(*lines: str) -> str:
    """The end of a command's help: what it looks like in use."""
    return "\b\nExamples:\n" + "\n".join(f"  vawsum-agent {line}" for line in lines)


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(document, default=str, option=options), nl=False)
