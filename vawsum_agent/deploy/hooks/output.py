"""What a command said, as it may be shown: without secrets, without control sequences, in lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from vawsum_agent.deploy.hooks.capture import Capture
    from vawsum_agent.deploy.redact import Redactor

TAIL_LINES = 20
_LONGEST_LINE = 500


class CommandError(DeployError):
    """A command failed.

    Attributes:
        tail: its last lines, redacted.
    """

    def __init__(self, message: str, *, hint: str = "", tail: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.tail = tail


def shown_lines(output: Capture, redact: Redactor) -> tuple[str, ...]:
    """Give what is kept of an output, one line of it a text, without empty ones.

    Where something was dropped in the middle, a line says how much, and no part of a secret is left at the cut.
    """
    dropped_bytes = output.dropped_bytes
    if not dropped_bytes:
        return tuple(_lines(redact(_text(output.first + output.last))))
    first = redact(_text(output.first), is_cut_after=True)
    last = redact(_text(output.last), is_cut_before=True)
    return (*_lines(first), f"[{format_bytes(dropped_bytes)} left out]", *_lines(last))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    # Carriage returns are how progress bars go back to their beginning: each state is a line.
    return [_short(line) for line in text.replace("\r", "\n").split("\n") if line.strip()]


def _short(line: str) -> str:
    line = line.rstrip()
    return printable(line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…")
