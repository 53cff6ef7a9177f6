"""How a status looks to a person: what is wrong first, then a line a component, then the files if asked for."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STYLES = {"running": "green", "degraded": "yellow", "starting": "yellow", "draining": "yellow"}
_BAD = "red"
_PIPE_WIDTH = 200

Document = dict[str, Any]


def print_status(document: Document, *, with_files: bool, now: float, before: tuple[Document, float] | None) -> None:
    """Print one status; ``before`` is an earlier one and when it was, to tell rates from."""
    rates = Rates()
    if before is not None:
        rates.after(*before)
    _console().print(render(document, with_files=with_files, now=now, rates=rates.after(document, now)))


def watch_status(current: Callable[[], Document], *, interval_s: float, with_files: bool) -> None:
    """Refresh in place until Ctrl-C; one status below the other where the output is no terminal."""
    console = _console()
    rates = Rates()
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            document, now = current(), time.time()
            picture = render(document, with_files=with_files, now=now, rates=rates.after(document, now))
            if console.is_terminal:
                live.update(picture, refresh=True)
            else:
                console.print(picture)
            time.sleep(interval_s)


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


class Rates:
    """Bytes a second that each component got accepted between two statuses."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, int]] = {}

    def after(self, document: Document, now: float) -> dict[str, float]:
        """Compare with the status before; nothing for a component seen the first time or begun anew."""
        rates = {}
        seen = {row["name"]: (now, _accepted(row)) for row in document["components"]}
        for name, (at, accepted) in seen.items():
            before_at, before_accepted = self._before.get(name, (at, accepted))
            if at > before_at and accepted >= before_accepted:
                rates[name] = (accepted - before_accepted) / (at - before_at)
        self._before = seen
        return rates


def _accepted(row: Document) -> int:
    details = row["details"]
    if "files" not in details:
        return 0
    folded = sum(total.get("accepted_bytes", 0) for total in details.get("folded", {}).values())
    return int(sum(file.get("accepted_bytes", 0) for file in details["files"]) + folded)


def render(
    document: Document, *, with_files: bool, now: float, rates: Mapping[str, float] | None = None
) -> RenderableType:
    """Lay out a status."""
    parts: list[RenderableType] = [_headline(document, now), *_troubles(document)]
    if document["components"]:
        parts += [Text(), _components(document, now, rates or {})]
    if with_files:
        parts += [Text(), _files(document)]
    return Group(*parts)


def _headline(document: Document, now: float) -> Text:
    state = document["state"]
    line = Text(f"vawsum-agent {document['version']} ")
    line.append(state, style=f"bold {_STYLES.get(state, _BAD)}")
    if document.get("instance_id"):
        place = ", ".join(str(document[key]) for key in ("role", "environment") if document.get(key))
        line.append(f"  {document['instance_id']} ({place})")
    if state == "stopped" and document.get("last_seen_at"):
        ago = format_duration(max(0.0, now - _epoch(document["last_seen_at"])))
        line.append(f"  not running since {document['last_seen_at']} ({ago} ago); this is what it said last")
    elif document.get("pid") is not None:
        line.append(f"  pid {document['pid']}, up {format_duration(max(0.0, now - _epoch(document['started_at'])))}")
    return line


def _troubles(document: Document) -> list[Text]:
    """What is wrong, each with its remedy below it."""
    found = [(notice["text"], notice["hint"]) for notice in document.get("notices", [])]
    for row in document["components"]:
        problems = [(problem["what"], problem["hint"]) for problem in row["details"].get("problems", [])]
        worst = (row["last_error"], row["hint"])
        if row["last_error"] and row["state"] != "running" and worst not in problems:
            problems.insert(0, worst)
        found += [(f"{row['name']}: {what}", hint) for what, hint in problems]
    lines = []
    for text, hint in found:
        # They may quote a server or AWS.
        lines.append(Text(f"! {printable(text)}", style=_BAD))
        if hint:
            lines.append(Text(f"  → {printable(hint)}"))
    return lines


def _components(document: Document, now: float, rates: Mapping[str, float]) -> Table:
    table = _table("COMPONENT", "STATE", "LAST SUCCESS", "BACKLOG", "RATE", "RESTARTS", "")
    for row in document["components"]:
        table.add_row(
            row["name"],
            Text(row["state"], style=_STYLES.get(row["state"], _BAD)),
            _ago(row["last_success_at"], now),
            _backlog(row),
            _rate(row, rates.get(row["name"])),
            str(row["details"].get("restarts", 0)),
            Text(_doing(row["details"])),
        )
    return table


def _backlog(row: Document) -> str:
    count, size = row["backlog_count"], row["backlog_bytes"]
    if size:
        return f"{count} ({format_bytes(size)})"
    return str(count) if count else "none"


def _rate(row: Document, rate: float | None) -> str:
    if "data_per_minute" in row["details"]:
        return f"{row['details']['data_per_minute']:.0f} data/min"
    return f"{format_bytes(int(rate))}/s" if rate is not None and "files" in row["details"] else "-"


def _doing(details: Document) -> str:
    """In a few words, what a component looks after."""
    if "files" in details:
        count = len(details["files"])
        return f"{count} file{'' if count == 1 else 's'}"
    if "sources" in details:
        well = sum(text == "ok" for text in details["sources"].values())
        return f"{well} of {len(details['sources'])} sources"
    if "topic" in details:
        return f"{details['sent']} sent to {details['topic'].rpartition(':')[2]}"
    return ""


def _files(document: Document) -> Table:
    table = _table("FILE", "SOURCE", "READ", "ACCEPTED", "PENDING", "UNREAD", "DROPPED", "OLDEST")
    for row in document["components"]:
        if "files" not in row["details"]:
            continue
        for file in row["details"]["files"]:
            sizes = [format_bytes(file.get(key, 0)) for key in ("read_bytes", "accepted_bytes", "pending_bytes")]
            unread = format_bytes(file.get("unread_bytes", 0))
            oldest_s = file.get("oldest_pending_s") or 0
            oldest = format_duration(oldest_s) if oldest_s else "-"
            table.add_row(
                Text(file["path"]), file["source"], *sizes, unread, _reasons(file["dropped_by_reason"]), oldest
            )
        for source, total in row["details"].get("folded", {}).items():
            if total["files"]:
                accepted, dropped = format_bytes(total["accepted_bytes"]), _reasons(total["dropped_by_reason"])
                table.add_row(Text(f"{total['files']} files long gone"), source, "", accepted, "", "", dropped, "")
    return table


def _reasons(dropped_by_reason: Mapping[str, int]) -> Text:
    reasons = ", ".join(f"{why} {format_bytes(size)}" for why, size in dropped_by_reason.items() if size)
    return Text(reasons, style=_BAD) if reasons else Text("none")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=heading != "FILE", overflow="fold")
    return table


def _ago(moment: str | None, now: float) -> str:
    return "never" if moment is None else f"{format_duration(max(0.0, now - _epoch(moment)))} ago"


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
