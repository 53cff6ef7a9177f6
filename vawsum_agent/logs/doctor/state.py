"""What the state folder tells: a store that can't be used or was damaged, and events that could not be delivered."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import StateError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.state.inspection import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import Config


def state(config: Config) -> Iterator[Finding]:
    """Look at the store and at the dead letters; changes nothing."""
    folder = Path(config.agent.state_dir)
    if not os.access(folder, os.R_OK | os.X_OK) and os.access(folder, os.F_OK):
        remedy = "run this as root or as the daemon's user"
        yield Finding(
            Severity.WARNING, "can't be looked into: store and dead letters are not checked", str(folder), remedy
        )
        return
    yield _store(folder / "state.db")
    yield from _damaged(folder)
    yield from _dead_letters(folder / "dead-letter", config)


def _store(path: Path) -> Finding:
    if not path.exists():
        return Finding(Severity.OK, "does not exist yet; the daemon creates it", str(path))
    try:
        return Finding(Severity.OK, f"is whole, of schema {inspect(path)}", str(path))
    except StateError as error:
        return Finding(Severity.PROBLEM, error.message.removeprefix(f"{path}: "), str(path), error.hint)


def _damaged(folder: Path) -> Iterator[Finding]:
    try:
        damaged = sorted(
            path.name for path in folder.glob("state.db.damaged-*") if not path.name.endswith(("wal", "shm"))
        )
    except OSError:
        return
    if damaged:
        yield Finding(
            Severity.WARNING,
            f"the store was damaged and moved aside: {', '.join(damaged)}",
            str(folder),
            "check the disk (dmesg, smartctl); remove the files when nobody needs them any more",
        )


def _dead_letters(folder: Path, config: Config) -> Iterator[Finding]:
    limit = config.logs.dead_letter_limit if config.logs else 1
    letters = DeadLetters(folder, limit)
    reasons: Counter[str] = Counter()
    try:
        for segment in letters.segments():
            reasons.update(letter["reason"] for letter in letters.read(segment))
    except OSError as error:
        remedy = "run this as root or as the daemon's user"
        yield Finding(Severity.WARNING, f"can't be read: {error.strerror}", str(folder), remedy)
        return
    if reasons:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        remedy = "vawsum-agent logs replay --dry-run tells what can be sent again, --restamp sends what was untimely"
        yield Finding(Severity.WARNING, f"events that CloudWatch refused: {counts}", str(folder), remedy)
    else:
        yield Finding(Severity.OK, "no dead letters", str(folder))
