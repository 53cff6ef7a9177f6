"""A few lines on each application that is deployed: what is served, what runs, what came of the last deploy. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from vawsum_agent.cli.layout import wrapped
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABELS = 12
_MARGIN = " " * _LABELS
_PHASES = {"done": "after", "failed": "after", "interrupted": "cut off at"}
_KINDS = {"start": "deploy", "converge": "convergence"}

Document = dict[str, Any]


def deploys(document: Document, now: float, width: int | None) -> list[Text]:
    """Lay out what all components tell of applications."""
    lines: list[Text] = []
    for component in document["components"]:
        for app in component["details"].get("apps", ()):
            is_stopped = component["state"] == "stopped"
            lines += _block(app, list(_rows(app, now, is_stopped=is_stopped)), width)
    return lines


def _block(app: Document, rows: list[tuple[str, str]], width: int | None) -> list[Text]:
    head = f"{'DEPLOYS':<{_LABELS}}{app['name']}, in {app['path']}"
    lines = [Text(line, style="bold") for line in wrapped(printable(head), width, rest=_MARGIN)]
    for label, told in rows:
        lines += [Text(line) for line in wrapped(printable(told), width, first=f"{label:<{_LABELS}}", rest=_MARGIN)]
    return lines


def _rows(app: Document, now: float, *, is_stopped: bool) -> Iterator[tuple[str, str]]:
    running, unfinished, last = app["running"], app["unfinished"], app["last_deploy"]
    yield "current", app["current"] or "no release"
    if running is not None and not is_stopped:
        yield "running", f"{_what(running)}, {_progress(running)}, for {_since(running['began_at'], now)}"
    left = unfinished or (running if is_stopped else None)
    if left is not None:
        yield "unfinished", f"{_what(left)}, {_progress(left)}, begun {_since(left['began_at'], now)} ago"
    yield "last deploy", "none yet" if last is None else _ended(last, now)


def _what(deploy: Document) -> str:
    by = f" by {deploy['by']}" if deploy["by"] else ""
    return f"{_KINDS.get(deploy['kind'], deploy['kind'])} of {deploy['release']}{by}"


def _progress(deploy: Document) -> str:
    step = "before its first step"
    if deploy["step"] is not None:
        step = f"{_PHASES.get(deploy['step_phase'], 'at')} {deploy['step']}"
    failed = f", since {deploy['failed_step']} failed" if deploy["failed_step"] else ""
    return f"being taken back{failed}: {step}" if deploy["is_taken_back"] else step


def _ended(deploy: Document, now: float) -> str:
    moment = deploy["ended_at"] or deploy["began_at"]
    result = deploy["result"] or "unfinished"
    # As the commands print it: what asks for attention stands out.
    shown = result if result == "deployed" else result.upper()
    took = "" if deploy["duration_s"] is None else f" in {format_duration(max(1.0, deploy['duration_s']))}"
    why = f"; {deploy['failed_step']}: {deploy['error']}" if deploy["failed_step"] else ""
    return f"{shown} {_since(moment, now)} ago: {_what(deploy)}{took}{why}"


def _since(moment: str, now: float) -> str:
    return format_duration(max(1.0, now - datetime.fromisoformat(moment).timestamp()))
