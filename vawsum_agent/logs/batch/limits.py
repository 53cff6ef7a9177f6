"""The limits of PutLogEvents (CloudWatch Logs API reference; quotas page)."""

from __future__ import annotations

MAX_BATCH_BYTES = 1_048_576
"""Of the messages as UTF-8 plus `EVENT_OVERHEAD_BYTES` for each."""

EVENT_OVERHEAD_BYTES = 26
MAX_BATCH_EVENTS = 10_000

MAX_MESSAGE_BYTES = MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES
"""One event may fill a batch (1 MB an event)."""

MAX_SPAN_MS = 24 * 3600 * 1000 - 1
"""The last event of a batch is at most this much later than its first."""

TOO_OLD_S = 14 * 24 * 3600
TOO_NEW_S = 2 * 3600
