"""The rules of PutMetricData, as pure functions: one datum outside them refuses the whole request.

Source: the API reference of PutMetricData, MetricDatum and Dimension, and the service's own messages, which name every
datum at fault as `MetricData.member.N`. Nothing is stored here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.aws.metric_problems import Problems
from sandbox.aws.metric_store import MetricDatum, MetricKey
from sandbox.aws.metric_values import check_values

if TYPE_CHECKING:
    from sandbox.aws.metric_store import Dimensions

REQUEST_LIMIT_BYTES = 1_048_576
DATA_LIMIT_COUNT = 1_000
DIMENSIONS_LIMIT_COUNT = 30
NAME_LIMIT = 255
DIMENSION_VALUE_LIMIT = 1_024
TOO_OLD_MS = 14 * 24 * 3600 * 1000
TOO_NEW_MS = 2 * 3600 * 1000
UNITS = (
    "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits",
    "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
    "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
    "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
)  # fmt: skip


def check_put(params: dict[str, Any], now_ms: int, clock_slack_ms: int) -> list[tuple[MetricKey, MetricDatum]]:
    """Check a whole request.

    Args:
        params: the request's parameters.
        now_ms: the service's time.
        clock_slack_ms: how far a client's clock may be off without its knowing. A timestamp that is out of the window
            by no more is refused as any other, but breaks no rule that a client could keep.

    Raises:
        ServiceError: anything is wrong with it.
    """
    problems = Problems()
    for key in ("EntityMetricData", "StrictEntityValidation"):
        if key in params:
            problems.invalid(f"the sandbox does not know {key}")
    namespace = check_namespace(params.get("Namespace"), problems)
    data = params.get("MetricData")
    if data is None or data == []:
        problems.missing("MetricData")
    elif not isinstance(data, list):
        problems.unreadable("MetricData")
    elif len(data) > DATA_LIMIT_COUNT:
        problems.oversized("MetricData", DATA_LIMIT_COUNT)
    problems.settle()
    window = Window(now_ms, clock_slack_ms)
    checked = []
    for number, datum in enumerate(data or (), 1):
        where = f"MetricData.member.{number}"
        if isinstance(datum, dict):
            checked.append(_check_datum(namespace, where, datum, window, problems))
        else:
            problems.unreadable(where)
    problems.settle()
    return checked


def check_namespace(value: object, problems: Problems) -> str:
    """Return a namespace of one's own."""
    name = check_name(value, "Namespace", problems)
    if name.startswith((":", "AWS/")):
        problems.value(name, "Namespace")
    return name


def check_name(value: object, where: str, problems: Problems, limit: int = NAME_LIMIT) -> str:
    """Return a text of printable ASCII that is not blank; an empty one, and a problem, where it isn't."""
    if value is None or value == "":
        problems.missing(where)
        return ""
    if not isinstance(value, str):
        problems.unreadable(where)
        return ""
    if len(value) > limit:
        problems.invalid(f"The parameter {where} must be shorter than {limit + 1} characters.")
    elif not value.isascii() or not value.isprintable() or not value.strip():
        problems.invalid(
            f"The parameter {where} must contain only ASCII characters, none of control, and no blanks only."
        )
    return value


def check_dimensions(value: object, where: str, problems: Problems) -> Dimensions:
    """Return dimensions as sorted pairs."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        problems.unreadable(where)
        return ()
    if len(value) > DIMENSIONS_LIMIT_COUNT:
        problems.oversized(where, DIMENSIONS_LIMIT_COUNT)
        return ()
    pairs = []
    for number, one in enumerate(value, 1):
        name = check_name(one.get("Name"), f"{where}.member.{number}.Name", problems)
        if name.startswith(":"):
            problems.value(name, f"{where}.member.{number}.Name")
        pairs.append(
            (name, check_name(one.get("Value"), f"{where}.member.{number}.Value", problems, DIMENSION_VALUE_LIMIT))
        )
    if len({name for name, _ in pairs}) < len(pairs):
        problems.invalid("No metric may specify the same dimension name twice.")
    return tuple(sorted(pairs))


def read_time_ms(value: object) -> int | None:
    """Return a timestamp in milliseconds, from seconds since the epoch or ISO 8601; None where it is neither."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        return round(value * 1000) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


class Window:
    """The time that timestamps must lie in."""

    def __init__(self, now_ms: int, clock_slack_ms: int) -> None:
        self._now_ms = now_ms
        self._slack_ms = clock_slack_ms

    def check(self, value: object, where: str, problems: Problems) -> int:
        """Return a timestamp in milliseconds; the service's time where none is given."""
        if value is None:
            return self._now_ms
        at_ms = read_time_ms(value)
        if at_ms is None:
            problems.unreadable(where)
            return self._now_ms
        too_old_ms, too_new_ms = self._now_ms - TOO_OLD_MS - at_ms, at_ms - self._now_ms - TOO_NEW_MS
        if too_old_ms > 0:
            text = f"The parameter {where} must specify a time within the past two weeks."
            problems.invalid(text, is_violation=too_old_ms > self._slack_ms)
        if too_new_ms > 0:
            text = f"The parameter {where} must specify a time no more than two hours in the future."
            problems.invalid(text, is_violation=too_new_ms > self._slack_ms)
        return at_ms


def _check_datum(
    namespace: str, where: str, datum: dict[str, Any], window: Window, problems: Problems
) -> tuple[MetricKey, MetricDatum]:
    name = check_name(datum.get("MetricName"), f"{where}.MetricName", problems)
    dimensions = check_dimensions(datum.get("Dimensions"), f"{where}.Dimensions", problems)
    unit = datum.get("Unit", "None")
    if unit not in UNITS:
        problems.not_in(f"{where}.Unit", UNITS)
    resolution_s = datum.get("StorageResolution", 60)
    if type(resolution_s) is not int or resolution_s not in {1, 60}:
        problems.not_in(f"{where}.StorageResolution", ("1", "60"))
    at_ms = window.check(datum.get("Timestamp"), f"{where}.Timestamp", problems)
    values, counts, statistics = check_values(where, datum, problems)
    return MetricKey(namespace, name, dimensions), MetricDatum(at_ms, values, counts, statistics, unit, resolution_s)
