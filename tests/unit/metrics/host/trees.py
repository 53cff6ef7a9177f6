"""Small /proc and /sys trees, and lines as the kernel writes them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder; returns the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def stat_line(
    pid: int,
    command: bytes = b"bash",
    state: str = "S",
    *,
    ticks: tuple[int, int] = (0, 0),
    threads: int = 1,
    started: int = 100,
    rss: int = 10,
) -> bytes:
    """Give ``/proc/PID/stat`` as the kernel writes it, in all of its 52 fields."""
    user, system = ticks
    before_times = f"{state} 1 {pid} {pid} 0 -1 4194560 1 2 3 4"
    after_times = f"5 6 20 0 {threads} 0 {started} 9000000 {rss} 18446744073709551615"
    rest = " ".join(["0"] * 27)
    return b"%d (%s) " % (pid, command) + f"{before_times} {user} {system} {after_times} {rest}\n".encode()


def tcp_line(number: int, state: int, *, is_v6: bool = False) -> bytes:
    """Give a line of ``/proc/net/tcp`` or ``tcp6``."""
    address = b"0" * 24 + b"0100007F" if is_v6 else b"0100007F"
    start = b"%4d: %s:0CEA %s:D2F0 %02X " % (number, address, address, state)
    # Fields behind the state hold two-digit numbers too: the user's id, the time-out.
    return start + b"00000000:00000001 02:0000000A 00000000    10       11 12 1 0000000000000000 20 4 1 10 -1\n"


TCP_HEADING = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def tcp_list(states: list[int], *, first: int = 0, is_v6: bool = False) -> bytes:
    """Give a whole list."""
    return TCP_HEADING + b"".join(tcp_line(first + at, state, is_v6=is_v6) for at, state in enumerate(states))
