"""Puts a status on the terminal, once or again and again, or into a pipe. What it looks like is `status_screen`'s."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live

from vawsum_agent.cli.status_rates import LONGEST_S, Rates
from vawsum_agent.cli.status_screen import Size, screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.text import Text

Document = dict[str, Any]


class View:
    """One status, or many in a row, for the same terminal or pipe.

    Args:
        with_files: show the byte ledger of every file, too.
        before: an earlier status and when it was, to tell rates from.
    """

    def __init__(self, *, with_files: bool, before: tuple[Document, float] | None) -> None:
        self._with_files = with_files
        self._rates = Rates()
        if before is not None and time.time() - before[1] <= LONGEST_S:
            self._rates.after(*before)
        is_terminal = sys.stdout.isatty()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # an old locale has no arrows
        # In a pipe there are neither colours nor an end of the line, whatever the environment says of terminals.
        self._console = Console(highlight=False, force_terminal=is_terminal)

    def show(self, document: Document) -> None:
        """Print a status; on a terminal no line is wider than that."""
        self._print(self._lines(document, self._rates_with(document), Size(self._width())))

    def watch(self, current: Callable[[], Document], interval_s: float) -> None:
        """Refresh in place until Ctrl-C; one status below the other where the output is no terminal."""
        with contextlib.suppress(KeyboardInterrupt):
            if self._width() is None or self._console.is_dumb_terminal:
                self._repeat(current, interval_s)
            else:
                self._refresh(current, interval_s)

    def _repeat(self, current: Callable[[], Document], interval_s: float) -> None:
        while True:
            self.show(current())
            self._console.print()
            time.sleep(interval_s)

    def _refresh(self, current: Callable[[], Document], interval_s: float) -> None:
        full: Sequence[Text] = ()
        try:
            with Live(console=self._console, auto_refresh=False, screen=True) as live:
                while True:
                    document = current()
                    rates, width = self._rates_with(document), self._console.width
                    full = self._lines(document, rates, Size(width))
                    live.update(Group(*self._lines(document, rates, Size(width, self._console.height))), refresh=True)
                    time.sleep(interval_s)
        finally:
            # The screen that was there before comes back; what was seen last stays on it.
            self._print(full)

    def _width(self) -> int | None:
        return self._console.width if self._console.is_terminal else None

    def _rates_with(self, document: Document) -> Mapping[str, float]:
        return self._rates.after(document, time.time())

    def _lines(self, document: Document, rates: Mapping[str, float], size: Size) -> list[Text]:
        return screen(document, size, with_files=self._with_files, now=time.time(), rates=rates)

    def _print(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._console.print(line, no_wrap=True, overflow="ignore", crop=False)
