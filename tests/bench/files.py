"""The logs that are caught up with: made once, kept in `build/bench-data`, made anew before their times get old.

Texts come from pools that are larger than gzip's window, so that they compress as real logs do and no better.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "build" / "bench-data"

MEGABYTE = 1_000_000
LINE_BYTES = 190
LINES_PER_S = 500
ENTRIES_PER_S = 20
LATE_SHARE = 0.05
MOST_LATE_S = 3

_FRESH_S = 6 * 3600
_PREFIXES = 5_000
_SUFFIXES = 40_000
_ENTRIES = 4_000
_FILLER = (
    "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1 Chrome/126.0.0.0 Edg/126.0.0.0 OPR/112.0 Vivaldi/6.8"
)

_PAGES = ("school", "student", "teacher", "gallery", "notice", "homework", "attendance", "fees", "report", "message")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ",
    "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 ",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 ",
    "okhttp/4.12.0 ",
)


def access_log(size: int) -> Path:
    """An Apache access log in order of time, about 500 lines of 190 bytes a second."""
    return _made(f"access-{size // MEGABYTE}.log", size, lambda dice, first_s: _access(dice, first_s, late_share=0.0))


def timed_access_log(size: int) -> Path:
    """The same of one virtual host, as vhost_combined with ``%D`` behind it."""
    return _made(f"timed-{size // MEGABYTE}.log", size, _timed)


def late_access_log(size: int) -> Path:
    """The same, but one line in twenty began one to three seconds before it was written."""
    return _made(f"late-{size // MEGABYTE}.log", size, lambda dice, first_s: _access(dice, first_s, LATE_SHARE))


def sparse_access_log(size: int) -> Path:
    """An access log with one line a second: every line has a time of its own."""
    return _made(f"sparse-{size // MEGABYTE}.log", size, _sparse)


def php_error_log(size: int) -> Path:
    """PHP's error log: uncaught exceptions with their stack traces, 600 to 900 bytes in eight lines."""
    return _made(f"php-{size // MEGABYTE}.log", size, _php)


def _made(name: str, size: int, blocks: Callable[[random.Random, int], Iterator[bytes]]) -> Path:
    path = FOLDER / name
    if path.exists() and time.time() - path.stat().st_mtime < _FRESH_S:
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    written = 0
    with partial.open("wb") as file:
        for block in blocks(random.Random(name), int(time.time()) - _span_s(name, size)):
            written += file.write(block)
            if written >= size:
                break
    partial.replace(path)
    return path


def _span_s(name: str, size: int) -> int:
    """Tell how long ago a file of this size has to begin, so that no line of it lies in the future."""
    kind = name.split("-", maxsplit=1)[0]
    bytes_per_s = {"sparse": LINE_BYTES, "php": ENTRIES_PER_S * 700}.get(kind, LINES_PER_S * LINE_BYTES)
    return int(size / bytes_per_s * 1.1) + 60


def _access(dice: random.Random, first_s: int, late_share: float) -> Iterator[bytes]:
    prefixes, suffixes = _prefixes(dice), _suffixes(dice)
    stamps = [_access_stamp(first_s - back) for back in range(MOST_LATE_S + 1)]
    second = first_s
    while True:
        count = max(1, round(dice.gauss(LINES_PER_S, LINES_PER_S / 10)))
        texts = [stamps[0]] * count
        for index in dice.sample(range(count), round(count * late_share)):
            texts[index] = stamps[dice.randint(1, MOST_LATE_S)]
        parts = zip(dice.choices(prefixes, k=count), texts, dice.choices(suffixes, k=count), strict=True)
        yield b"".join([part for line in parts for part in line])
        second += 1
        stamps = [_access_stamp(second), *stamps[:MOST_LATE_S]]


def _timed(dice: random.Random, first_s: int) -> Iterator[bytes]:
    host = b"www.vawsum.com:443 "
    for block in _access(dice, first_s, late_share=0.0):
        lines = block.split(b"\n")[:-1]
        yield b"".join([b"%b%b %d\n" % (host, line, dice.lognormvariate(10.5, 1.4)) for line in lines])


def _sparse(dice: random.Random, first_s: int) -> Iterator[bytes]:
    prefixes, suffixes = _prefixes(dice), _suffixes(dice)
    second = first_s
    while True:
        yield dice.choice(prefixes) + _access_stamp(second) + dice.choice(suffixes)
        second += 1


def _php(dice: random.Random, first_s: int) -> Iterator[bytes]:
    entries = [_stack_trace(dice) for _ in range(_ENTRIES)]
    second = first_s
    while True:
        stamp = time.strftime("[%d-%b-%Y %H:%M:%S UTC] ", time.gmtime(second)).encode()
        yield b"".join([stamp + entry for entry in dice.choices(entries, k=ENTRIES_PER_S)])
        second += 1


def _access_stamp(second: int) -> bytes:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second)).encode()


def _prefixes(dice: random.Random) -> list[bytes]:
    return [f"{_address(dice)} - {dice.choice(('-', '-', 'asha'))} [".encode() for _ in range(_PREFIXES)]


def _suffixes(dice: random.Random) -> list[bytes]:
    """Make the lines' ends; agents are filled up until a line has its 190 bytes on average, give or take 35."""
    suffixes = []
    for _ in range(_SUFFIXES):
        path = f"/{dice.choice(_PAGES)}/{dice.randrange(10**6)}/{dice.choice(_PAGES)}"
        query = f"?token={dice.getrandbits(64):016x}" if dice.random() < 0.03 else ""
        method = dice.choice(("GET", "GET", "GET", "POST"))
        text = f'] "{method} {path}{query} HTTP/1.1" {dice.choice((200, 200, 304, 404))} {dice.randrange(10**5)} "-" "'
        wanted = LINE_BYTES - 46 + dice.randint(-35, 35)
        agent = dice.choice(_AGENTS) + _FILLER
        suffixes.append(f'{text}{agent[: max(10, wanted - len(text) - 2)]}"\n'.encode())
    return suffixes


def _stack_trace(dice: random.Random) -> bytes:
    name, line = dice.choice(_PAGES), dice.randrange(20, 900)
    path = f"/var/www/vawsum-web/releases/20261123T100000Z/src/{name.title()}/{name.title()}Repository.php"
    reason = f"SQLSTATE[42S22]: Column not found: 1054 '{name}.{line}'"
    lines = [f"PHP Fatal error:  Uncaught PDOException: {reason} in {path}:{line}", "Stack trace:"]
    for depth in range(4):
        caller = f"{dice.choice(_PAGES).title()}Controller"
        arguments = f"'{dice.getrandbits(80):020x}...', Array, {dice.randrange(10**5)}"
        lines.append(
            f"#{depth} /var/www/vawsum-web/current/src/Http/{caller}.php({dice.randrange(900)}): "
            f"App\\{caller}->{dice.choice(_PAGES)}({arguments[: dice.randint(20, 50)]})"
        )
    lines += ["#4 {main}", f"  thrown in {path} on line {line}"]
    return "\n".join(lines).encode() + b"\n"


def _address(dice: random.Random) -> str:
    return ".".join(str(dice.randrange(1, 255)) for _ in range(4))
