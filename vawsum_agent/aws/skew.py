"""How far this host's clock is from AWS's, read from the ``Date`` of its answers."""

from __future__ import annotations

import contextlib
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_duration

if TYPE_CHECKING:
    from botocore.client import BaseClient

_PROBLEM_S = 240.0
"""A request whose date is five minutes off is refused (Signature Version 4)."""

_WARNING_S = 10.0


class Skew:
    """Watches the answers of a client.

    Attributes:
        seconds: how far this host's clock is ahead, by the last answer; None before the first.
    """

    def __init__(self, client: BaseClient) -> None:
        self.seconds: float | None = None
        name = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"after-call.{name}", self._read_the_clock)

    def _read_the_clock(self, http_response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        with contextlib.suppress(TypeError, ValueError):
            # The date has no fractions: it is half a second back on average.
            self.seconds = time.time() - parsedate_to_datetime(http_response.headers.get("Date")).timestamp() - 0.5

    def findings(self) -> list[Finding]:
        """Tell what the clocks say, if there was an answer at all."""
        if self.seconds is None:
            return []
        if abs(self.seconds) < _WARNING_S:
            return [Finding(Severity.OK, "this host's clock agrees with AWS's", "clock")]
        direction = "ahead of" if self.seconds > 0 else "behind"
        what = f"this host's clock is {format_duration(abs(self.seconds))} {direction} AWS's"
        severity = Severity.PROBLEM if abs(self.seconds) > _PROBLEM_S else Severity.WARNING
        remedy = "synchronise it: systemctl enable --now chrony, or systemd-timesyncd"
        return [Finding(severity, what, "clock", remedy)]
