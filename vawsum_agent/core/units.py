"""Durations and sizes as people write them: ``"500ms" "90s" "10m" "24h" "15d"``, ``"512KiB" "16MiB"``."""

from __future__ import annotations

import re

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]+)(B|KiB|MiB|GiB)")
_STEP = 1024
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_duration_s(text: str) -> float:
    """Read ``"90s"`` as 90.0. Raises ValueError, saying what is expected."""
    match = _DURATION.fullmatch(text)
    if match is None:
        message = 'a duration such as "500ms", "90s", "10m", "24h" or "15d"'
        raise ValueError(message)
    return float(match[1]) * _SECONDS[match[2]]


def parse_size_bytes(text: str) -> int:
    """Read ``"16MiB"`` as 16777216. Raises ValueError, saying what is expected."""
    match = _SIZE.fullmatch(text)
    if match is None:
        message = 'a size such as "512KiB" or "16MiB"'
        raise ValueError(message)
    return int(match[1]) * _BYTES[match[2]]


def format_bytes(count: int) -> str:
    """Write a size for people: ``"1.5 MiB"``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < _STEP:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{value:.1f} GiB"


def format_duration(seconds: float) -> str:
    """Write a duration for people, in the largest two units: ``"2h 5m"``."""
    whole = int(seconds)
    if whole < 1:
        return f"{seconds * 1000:.0f}ms"
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def counted(count: int, one: str, many: str = "") -> str:
    """Write a count of things for people: ``"1 file"``, ``"2 files"``; ``many`` where it is not one with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"
