"""What the demo says: in colour with a line that keeps itself up to date on a terminal, plainly elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

PLAIN_WIDTH = 160
PLAIN_EVERY_S = 5.0
REFRESH_EVERY_S = 0.5


class Narrator:
    """Tells a scene. Use as a context manager; the live line is shown inside it."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(highlight=False)
        self._console = (
            console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH, file=console.file)
        )
        self._live = Live(console=self._console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._begun = time.monotonic()
        self._shown_at = -PLAIN_EVERY_S

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def title(self, text: str) -> None:
        """Announce a scene."""
        self._console.print(Text(f"\n{text}\n", style="bold"))

    def act(self, text: str) -> None:
        """Tell what is done to the host, the daemon or the service."""
        self._say("»", text, "bold yellow")

    def see(self, text: str) -> None:
        """Tell what can be seen of it."""
        self._say(" ", text, "")

    def good(self, text: str) -> None:
        """Tell that something came out as promised."""
        self._say("✓", text, "green")

    def bad(self, text: str) -> None:
        """Tell that something did not."""
        self._say("✗", text, "bold red")

    def live(self, text: str) -> None:
        """Show how things stand; on a terminal in place, elsewhere a line every few seconds."""
        if self._live is not None:
            line = Text(f"{self._clock()}   {text}", style="cyan", no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)
        elif time.monotonic() - self._shown_at >= PLAIN_EVERY_S:
            self._shown_at = time.monotonic()
            self._say(" ", text, "")

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; its first column is text, the others are numbers."""
        if self._live is not None:
            self._live.update(Text(), refresh=True)
        table = Table(*headings, title_justify="left")
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def wait(self, seconds: float, look: Callable[[], str], *, until: Callable[[], bool] = lambda: False) -> bool:
        """Show `look()` again and again for a while, or until something holds. Returns whether it came to hold."""
        end = time.monotonic() + seconds
        while not (held := until()) and time.monotonic() < end:
            self.live(look())
            time.sleep(min(REFRESH_EVERY_S, max(0.0, end - time.monotonic())))
        return held

    def _say(self, mark: str, text: str, style: str) -> None:
        self._console.print(Text(f"{self._clock()} {mark} {text}", style=style), soft_wrap=self._live is None)

    def _clock(self) -> str:
        return f"{time.monotonic() - self._begun:5.1f} s"
