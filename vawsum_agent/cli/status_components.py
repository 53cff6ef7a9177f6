"""A line a component: how it is, when it succeeded last, what waits, how fast it goes, what it looks after. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from vawsum_agent.cli.layout import Column, table
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

STYLES = {"running": "green", "degraded": "yellow", "starting": "yellow", "draining": "yellow"}
BAD = "red"
NOTHING = "—"
_BACKLOGS = {"metrics": ("datum", "data"), "alerts": ("unsent", "unsent"), "images": ("image", "images")}
"""What a component's backlog is counted in, where it isn't bytes: one and many."""

Document = dict[str, Any]


def components(document: Document, now: float, rates: Mapping[str, float], width: int | None) -> list[Text]:
    """Lay out a line a component; what matters least is on the right and goes first where there is no room."""
    rows = document["components"]
    columns = (
        Column("COMPONENT", [printable(row["name"]) for row in rows]),
        Column("STATE", [row["state"] for row in rows], [STYLES.get(row["state"], BAD) for row in rows]),
        Column("LAST SUCCESS", [_ago(row["last_success_at"], now) for row in rows]),
        Column("BACKLOG", [_backlog(row) for row in rows]),
        Column("RATE", [_rate(row, rates.get(row["name"])) for row in rows]),
        Column("", [_doing(row["details"]) for row in rows], is_note=True),
    )
    return table(columns, width)


def ago_s(moment: str, now: float) -> float:
    """Tell how long a time of a status is over; 0 when it is still to come."""
    return max(0.0, now - datetime.fromisoformat(moment).timestamp())


def _ago(moment: str | None, now: float) -> str:
    if moment is None:
        return "never"
    passed_s = ago_s(moment, now)
    return f"{format_duration(passed_s)} ago" if passed_s >= 1 else "just now"


def _backlog(row: Document) -> str:
    """Say what waits. Of logs only the bytes: that few of them are in a batch already tells nobody anything."""
    count, size = row["backlog_count"], row["backlog_bytes"]
    if "files" not in row["details"] and count:
        return counted(count, *_BACKLOGS.get(row["name"], ("item", "items")))
    return format_bytes(size) if size else "none"


def _rate(row: Document, rate: float | None) -> str:
    if row["state"] == "stopped":
        return NOTHING
    data_per_minute = row["details"].get("data_per_minute")
    if data_per_minute is not None:
        return f"{data_per_minute:.0f} data/min"
    return NOTHING if rate is None else f"{format_bytes(int(rate))}/s"


def _doing(details: Document) -> str:
    """In a few words, what a component looks after."""
    words = []
    if details.get("restarts"):
        words.append(f"restarted {counted(details['restarts'], 'time')}")
    if "files" in details:
        words.append(counted(len(details["files"]), "file"))
    elif "sources" in details:
        well = sum(text == "ok" for text in details["sources"].values())
        words.append(f"{well} of {counted(len(details['sources']), 'source')}")
    elif "folders" in details:
        words.append(counted(len(details["folders"]), "folder"))
    elif "last_backup" in details:
        running = details["running"]
        words.append(f"{printable(running['kind'])} runs" if running is not None else printable(details["server"]))
    elif "apps" in details:
        words.append(_apps(details["apps"]))
    elif "topic" in details:
        words.append(f"{details['sent']} sent to {printable(details['topic'].rpartition(':')[2])}")
    return ", ".join(words)


def _apps(apps: list[Document]) -> str:
    running = [app["name"] for app in apps if app["running"] is not None]
    return f"deploys {printable(', '.join(running))}" if running else counted(len(apps), "application")
