"""The catalogue of log events tells the truth about the code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import vawsum_agent
from vawsum_agent.core.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(vawsum_agent.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"log", "_log", "logger"}


def logged() -> Iterator[object]:
    """The names of all events in the package's code."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                owner = node.func.value
                if (isinstance(owner, ast.Name) and owner.id in LOGGERS) or (
                    isinstance(owner, ast.Call) and ast.unparse(owner.func) == "structlog.get_logger"
                ):
                    yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def test_every_event_is_catalogued() -> None:
    """What the agent logs can be looked up, and nothing is listed that it never logs."""
    assert set(logged()) == set(EVENTS)
