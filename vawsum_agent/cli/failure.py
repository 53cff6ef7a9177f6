"""How a command ends: every failure is one line that says what failed, on what, and what to do next."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from vawsum_agent.core.errors import AgentError, ConfigError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = 64
INTERRUPTED = 1


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command and tell the exit code; failures are reported on stderr."""
    code = 0
    try:
        result = command()
        sys.stdout.flush()
        code = result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = USAGE
    except click.UsageError as error:
        _report(error.format_message(), f"see: {_command_path(error.ctx)} --help")
        code = USAGE
    except click.ClickException as error:
        _report(error.format_message())
        code = error.exit_code
    except ConfigError as error:
        for violation in error.violations:
            _report(str(violation))
        code = error.exit_code
    except AgentError as error:
        _report(error.message, error.hint)
        code = error.exit_code
    except BrokenPipeError:
        _silence_stdout()
        code = 1
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user never sees a traceback
        _report_unforeseen(error)
        code = 1
    return code


def _command_path(context: click.Context | None) -> str:
    return context.command_path if context else "vawsum-agent"


def _report(message: str, hint: str = "") -> None:
    text = " ".join(message.split("\n"))
    # A message may quote a file, a server or AWS.
    click.echo(printable(f"error: {text} ({hint})" if hint else f"error: {text}"), err=True)


def _report_unforeseen(error: Exception) -> None:
    """Whatever else met a full disk says so itself: here it is what we print that finds no room."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        _silence_stdout()
        _report("what was to be printed can't be written: no space left", "print it elsewhere")
    else:
        _report_bug(error)


def _report_bug(error: Exception) -> None:
    if os.environ.get("VAWSUM_AGENT_DEBUG") == "1":
        traceback.print_exception(error)
    _report(
        f"a bug in the agent: {type(error).__name__}: {error}",
        "run it again with VAWSUM_AGENT_DEBUG=1 and report the trace",
    )


def _silence_stdout() -> None:
    """Whoever read our output left; say nothing, also not when the interpreter flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
