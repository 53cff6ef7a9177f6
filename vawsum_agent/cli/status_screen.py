"""How a status looks to a person: what is wrong first, a line a component, folders, backups, deploys, files. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text

from vawsum_agent.cli.layout import cut, joined, wrapped
from vawsum_agent.cli.status_backups import backups
from vawsum_agent.cli.status_components import BAD, STYLES, ago_s, components
from vawsum_agent.cli.status_deploys import deploys
from vawsum_agent.cli.status_files import ledger
from vawsum_agent.cli.status_folders import folders
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK, _MARGIN = "! ", "  "
_ARROW, _ARROW_MARGIN = "  → ", "    "
_WEIGHTS = {"failed": 0, "running": 2}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """Cells and lines there are; None where there is no end to them."""

    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A remedy, and all that it mends."""

    remedy: str
    problems: list[str] = field(default_factory=list)


def screen(document: Document, size: Size, *, with_files: bool, now: float, rates: Mapping[str, float]) -> list[Text]:
    """Lay out a status, line by line; what is wrong and the components stay on the smallest screen."""
    head = joined(_headline(document, now), size.width)
    rows = components(document, now, rates, size.width) if document["components"] else []
    table = [Text(), *rows] if rows else []
    troubles = _troubles(document)
    more = _more_lines(document, size.width, now, rates, with_files=with_files)
    room = None if size.height is None else size.height - len(head) - len(table) - bool(more)
    lines = [*head, *_fitting(troubles, size.width, room), *table]
    lines += more if size.height is None else _cut_off(more, size.height - len(lines))
    return lines if size.height is None else _cut_off(lines, size.height)


def _more_lines(
    document: Document, width: int | None, now: float, rates: Mapping[str, float], *, with_files: bool
) -> list[Text]:
    """Lay out what goes first where there is no room."""
    blocks = (folders(document, rates, width), backups(document, now, width), deploys(document, now, width))
    lines = [line for block in blocks if block for line in (Text(), *block)]
    return [*lines, Text(), *ledger(document, width)] if with_files else lines


def _headline(document: Document, now: float) -> list[Text]:
    state = document["state"]
    version = Text(f"vawsum-agent {document['version']} ").append(state, style=f"bold {STYLES.get(state, BAD)}")
    segments = [version]
    if document.get("instance_id"):
        place = ", ".join(str(document[key]) for key in ("role", "environment") if document.get(key))
        segments.append(Text(f"{document['instance_id']} ({place})"))
    if document.get("last_seen_at"):
        at = document["last_seen_at"].partition(".")[0].replace("T", " ")
        passed = format_duration(max(1.0, ago_s(document["last_seen_at"], now)))
        segments += [Text(f"last heard of at {at} UTC ({passed} ago)"), Text("what follows is from then")]
    elif document.get("pid") is not None:
        up = format_duration(max(1.0, ago_s(document["started_at"], now)))
        segments.append(Text(f"pid {document['pid']}, up {up}"))
    return segments


def _troubles(document: Document) -> list[_Trouble]:
    """Gather what is wrong by what is to be done about it; what failed comes before what is degraded."""
    found = [(notice["text"], notice["hint"]) for notice in document.get("notices", [])]
    for row in sorted(document["components"], key=lambda row: _WEIGHTS.get(row["state"], 1)):
        problems = [(problem["what"], problem["hint"]) for problem in row["details"].get("problems", [])]
        worst = (row["last_error"], row["hint"])
        if row["last_error"] and row["state"] != "running" and worst not in problems:
            problems.insert(0, worst)
        found += [(f"{row['name']}: {what}", hint) for what, hint in problems]
    troubles: dict[object, _Trouble] = {}
    for number, (text, hint) in enumerate(found):
        # They may quote a server or AWS.
        troubles.setdefault(hint or number, _Trouble(printable(hint or ""))).problems.append(printable(text))
    return list(troubles.values())


def _fitting(troubles: list[_Trouble], width: int | None, room: int | None) -> list[Text]:
    """Tell them in full; where that is too long each in a line, then without remedies, then the first of them."""
    full = _told(troubles, width)
    if room is None or len(full) <= room:
        return full
    short = _told(troubles, width, is_short=True)
    if len(short) <= room:
        return short
    problems = [line for line in short if line.plain.startswith(_MARK)]
    kept = problems[: max(1, room - 1)]
    return [*kept, _more(len(short) - len(kept))]


def _told(troubles: list[_Trouble], width: int | None, *, is_short: bool = False) -> list[Text]:
    lines: list[Text] = []
    for trouble in troubles:
        for problem in trouble.problems:
            told = [cut(_MARK + problem, width)] if is_short else wrapped(problem, width, first=_MARK, rest=_MARGIN)
            lines += [Text(line, style=BAD) for line in told]
        if trouble.remedy:
            remedy = trouble.remedy
            told = (
                [cut(_ARROW + remedy, width)] if is_short else wrapped(remedy, width, first=_ARROW, rest=_ARROW_MARGIN)
            )
            lines += [Text(line) for line in told]
    return lines


def _cut_off(lines: list[Text], room: int) -> list[Text]:
    if len(lines) <= room:
        return lines
    kept = max(0, room - 1)
    return [*lines[:kept], _more(len(lines) - kept)]


def _more(count: int) -> Text:
    return Text(f"… {counted(count, 'more line')}", style="dim")
