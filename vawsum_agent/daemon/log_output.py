"""How log events leave the process: JSON lines for the journal, colours on a terminal; always on stderr."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, cast

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from structlog.typing import EventDict, Processor, WrappedLogger

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class _Unbreakable:
    """A stream that loses lines rather than raise: a full disk or a closed terminal must not stop the shipping."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write if that can be done."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush if that can be done."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def configure(stream: TextIO, *, environ: Mapping[str, str] = os.environ, as_json: bool = False) -> None:
    """Send every log event of the process to ``stream``.

    Args:
        stream: stderr.
        environ: ``VAWSUM_AGENT_DEBUG=1`` adds debug events; ``JOURNAL_STREAM`` tells that the journal reads the stream.
        as_json: JSON also on a terminal.
    """
    is_debug = environ.get("VAWSUM_AGENT_DEBUG") == "1"
    level = logging.DEBUG if is_debug else logging.INFO
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if stream.isatty() and not as_json:
        ending: list[Processor] = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        ending = [structlog.processors.format_exc_info, _as_json]
        if _is_journal(stream, environ):
            ending.append(_with_priority)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unbreakable(stream))),
        cache_logger_on_first_use=True,
    )
    # What libraries say through the standard library's logging; warnings only, since their detail is not for operators.
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)


def configure_stderr(*, as_json: bool) -> None:
    """Send log events to this process's stderr."""
    configure(sys.stderr, as_json=as_json)


def silence(environ: Mapping[str, str] = os.environ) -> None:
    """Keep log events from a command's output: it says itself what failed. ``VAWSUM_AGENT_DEBUG=1`` shows them."""
    if environ.get("VAWSUM_AGENT_DEBUG") == "1":
        configure_stderr(as_json=False)
    else:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {name: event.pop(name, None) for name in ("timestamp", "level", "event")} | dict(event)
    return orjson.dumps(ordered, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _with_priority(_logger: WrappedLogger, method: str, line: EventDict) -> str:
    """Prefix the syslog priority that journald takes off again (sd-daemon(3)), so ``journalctl -p err`` works."""
    return f"<{_PRIORITIES.get('error' if method == 'exception' else method, 6)}>{line}"


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether ``JOURNAL_STREAM`` names this very stream (systemd.exec(5)): it is inherited by redirected children."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _LibraryHandler(logging.Handler):
    """Passes a library's log record on as one of our events."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        structlog.get_logger().log(
            record.levelno, "library_warned", library=record.name, text=record.getMessage(), exc_info=record.exc_info
        )
