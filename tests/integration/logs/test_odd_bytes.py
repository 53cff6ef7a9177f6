"""What real logs hold besides lines."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.proof import find_ids
from tests.counts import count
from tests.integration.logs.running import RunningAgent, letters_of, source
from tests.integration.logs.writing import CountedLog, access_line, php_entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

DAY_S = 86_400.0
ENDLESS_BYTES = 3_000_000
EVENT_BYTES = 1_048_576 - 26
ROUNDS = count(3, 50)


def odd_lines(number: int) -> dict[bytes, str]:
    """Return lines without their newline, and the message each must become."""
    now = time.time()

    def line(what: str) -> bytes:
        return access_line(f"{what}-{number}", now).encode()

    return {
        line("nul") + b"\x00tail": (line("nul") + b"\x00tail").decode(),
        b"\x00" * 700 + line("nuls"): "\x00" * 700 + line("nuls").decode(),
        line("latin") + b"caf\xe9 \xff\xfe": line("latin").decode() + "caf\ufffd \ufffd\ufffd",
        line("utf8") + "ünï 🪵\u2028".encode(): line("utf8").decode() + "ünï 🪵\u2028",
        line("cut") + "🪵".encode()[:3]: line("cut").decode() + "\ufffd",
        line("crlf") + b"\r": line("crlf").decode() + "\r",
        line("cr") + b"one\rtwo": line("cr").decode() + "one\rtwo",
        line("del") + b"\x7f\x1b[31m\x08": line("del").decode() + "\x7f\x1b[31m\x08",
        line("quotes") + b'\\" \\x22 \\u0000 {"a": 1}': line("quotes").decode() + '\\" \\x22 \\u0000 {"a": 1}',
        b" \t ": " \t ",
        b"no time at all id=untimed-%d" % number: f"no time at all id=untimed-{number}",
        line("surrogate") + b"\xed\xa0\x80": line("surrogate").decode() + "\ufffd\ufffd\ufffd",
    }


def test_odd_lines(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When NUL bytes, invalid UTF-8, CRLF, empty lines, then each arrives as near to verbatim as CloudWatch allows, or
    is in the ledger.
    """  # noqa: D205 - part of the row as it stands in the table
    log = CountedLog(logs / "access.log")
    agent.configure(source("web", log.path))
    log.write(1)
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    expected: Counter[str] = Counter(log.texts.values())
    empties = 0
    for number in range(ROUNDS):
        for line, message in odd_lines(number).items():
            log.append(line + b"\n")
            expected[message] += 1
        log.append(b"\n\n")
        empties += 2
        time.sleep(0.3)
    agent.wait_settled(log.written_bytes)
    assert Counter(event.message for _, _, event in sandbox.all_events()) == expected
    agent.assert_ledger(log.written_bytes)
    rows = agent.details()["files"]
    assert [row["dropped_by_reason"] for row in rows] == [{"empty": empties}]
    assert sandbox.violations() == []
    assert letters_of(agent) == []


def test_odd_times(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When timestamps from last month and from tomorrow, in a live file, then each is in the dead-letter file and the
    ledger, and everything else arrives.
    """  # noqa: D205 - part of the row as it stands in the table
    kinds: dict[str, tuple[CountedLog, Callable[[str, float], str]]] = {
        "apache-access": (CountedLog(logs / "access.log"), access_line),
        "php-error": (CountedLog(logs / "php.log", kind="php"), php_entry),
    }
    agent.configure(*(source(name, log.path, format=name) for name, (log, _) in kinds.items()))
    now = time.time()
    met = 0
    for log, _ in kinds.values():
        log.write(10, now - 30 * DAY_S)
        met += log.written_bytes
        log.write(10, now - DAY_S)
    agent.start_and_wait()
    agent.wait_settled(sum(log.written_bytes for log, _ in kinds.values()))
    # What was too old when the file was first met is counted, not kept.
    assert agent.counted("dropped_bytes") == met
    assert letters_of(agent) == []
    assert sandbox.count() == 20

    good = {key for log, _ in kinds.values() for key in [*log.texts][10:]}
    bad: dict[str, str] = {}
    bad_bytes: Counter[str] = Counter()
    for number in range(ROUNDS):
        for what, at in (("too_old", now - 30 * DAY_S), ("too_new", now + DAY_S), ("", now - 13 * DAY_S), ("", now)):
            for log, make in kinds.values():
                key = f"{log.path.stem}-{what.replace('_', '-')}-{number}-{at:.0f}"
                data = f"{make(key, at)}\n".encode()
                log.append(data)
                if what:
                    bad[key] = what
                    bad_bytes[what] += len(data)
                else:
                    good.add(key)
        time.sleep(0.2)
    agent.wait_settled(sum(log.written_bytes for log, _ in kinds.values()))
    arrived = Counter(find_ids(event.message)[0] for _, _, event in sandbox.all_events())
    assert arrived == Counter(good)
    letters = letters_of(agent)
    assert {find_ids(letter["message"])[0]: letter["reason"] for letter in letters} == bad
    assert len(letters) == len(bad) == agent.details()["dead_letters"]
    agent.assert_ledger(sum(log.written_bytes for log, _ in kinds.values()))
    dropped: Counter[str] = Counter()
    for row in agent.details()["files"]:
        dropped.update(row["dropped_by_reason"])
    assert dropped == bad_bytes + Counter(too_old=met)
    assert sandbox.violations() == []


def test_endless_line(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When 3 MB without a newline, then it is cut at the limit of an event, goes on, and not a byte is missing; memory
    stays bounded, and the next line is a line again.
    """  # noqa: D205 - part of the row as it stands in the table
    text = ("endless 🪵 " * ENDLESS_BYTES)[: ENDLESS_BYTES // 2]
    access, php = CountedLog(logs / "access.log"), CountedLog(logs / "php.log", kind="php")
    agent.configure(
        source("access", access.path), source("php", php.path, format="php-error"),
        source("plain", logs / "plain.log", format="plain"),
    )  # fmt: skip
    plain = CountedLog(logs / "plain.log")
    for log in (access, php, plain):
        log.write(3)
    agent.start_and_wait()
    written = sum(log.written_bytes for log in (access, php, plain))
    agent.wait_settled(written)
    data = text.encode()
    begun = php_entry("long", time.time()) + "\n"
    for log in (access, php, plain):
        if log is php:
            log.append(begun.encode())
        for start in range(0, len(data), 65_536):
            log.append(data[start : start + 65_536])
    agent.wait_until(lambda: sandbox.count() > 9, "the first piece arrives before the line has ended")
    for log in (access, php, plain):
        log.append(b"\n")
        log.write(2)
    agent.wait_settled(sum(log.written_bytes for log in (access, php, plain)))
    for group, log in (("access", access), ("php", php), ("plain", plain)):
        messages = [event.message for _, _, event in sandbox.all_events(f"/test/{group}")]
        pieces = [message for message in messages if message not in log.texts.values()]
        assert "".join(pieces) == (begun if log is php else "") + text
        assert all(len(piece.encode()) <= EVENT_BYTES for piece in pieces)
        assert len(pieces) <= len(data) // EVENT_BYTES + 2
        assert Counter(messages) == Counter(log.texts.values()) + Counter(pieces)
    agent.assert_ledger(sum(log.written_bytes for log in (access, php, plain)))
    assert agent.resident_bytes() < 110 << 20
    assert sandbox.violations() == []
