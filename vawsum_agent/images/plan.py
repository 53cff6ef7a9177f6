"""What would move, without moving anything: a scan that also looks into each file that is due."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.find.scan import scan
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.inspect.picture import NotNow, Refused, opened
from vawsum_agent.images.inspect.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.find.scan import Scan
    from vawsum_agent.images.fingerprint import Fingerprint
    from vawsum_agent.images.inspect.rules import Rules
    from vawsum_agent.images.reasons import Reason


def plan(
    folder: ImagesFolder,
    clock: Clock,
    on_file: Callable[[], None] = lambda: None,
    *,
    most_entries: int | None = None,
    most_looks: int | None = None,
) -> Scan:
    """Find what would move, and what would not and why.

    Of each file that is due the beginning is read. PHP code that hides behind the beginning of a real image is found
    only when it moves, and so are collisions: S3 is not asked.

    Args:
        folder: which one.
        clock: wall time.
        on_file: told of each file that was looked into.
        most_entries: of the folder that are walked, in no order; None for all.
        most_looks: files that are looked into, the others count as due; None for all.

    Raises:
        FolderError: it can't be opened or listed.
    """
    root = open_root(folder.path)
    try:
        rules = rules_of(folder, root)
        now_ns = int(clock.now() * 1e9)
        look = _Look(root, rules, now_ns, on_file, most_looks)
        return scan(islice(Walk(root, rules.device).entries(), most_entries), rules, now_ns, look.verdict)
    except OSError as exc:
        message = f"{folder.path}: {exc.strerror}"
        raise FolderError(message, hint="the folder could not be listed") from exc
    finally:
        os.close(root)


class _Look:
    """Takes the place of what a lane remembers."""

    def __init__(self, root: int, rules: Rules, now_ns: int, on_file: Callable[[], None], most: int | None) -> None:
        self._root = root
        self._rules = rules
        self._now_ns = now_ns
        self._on_file = on_file
        self._left = most

    def verdict(self, path: bytes, fingerprint: Fingerprint) -> Reason | bool:
        """Open the file: why it stays, or False for one that would move."""
        del fingerprint
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                return False
        self._on_file()
        try:
            with opened(self._root, path, self._rules, self._now_ns):
                return False
        except Refused as refused:
            return refused.reason
        except NotNow:
            return False
