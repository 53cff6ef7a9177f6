"""Requests as the access logs tell them: the tally of one minute, which logs counts and metrics publishes.

Latency is kept as how often each bucket was met: sixteen buckets an octave, so that a value is known to 3.2 %. A bucket
is the first 16 bits of the value as a double, which lets thousands of values be sorted in without a step for each.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_HOSTS = 50
"""Of virtual hosts in one tally; the others are counted together under `OTHER_HOSTS`."""

OTHER_HOSTS = "(other)"
UNKNOWN_HOST = ""
"""The log does not tell virtual hosts."""

LONGEST_HOST = 128
MOST = 10**15
"""No size and no latency is as much; sums are cut off there as well."""

_TOP_16_BITS = 3 if sys.byteorder == "little" else 0
_HIGHEST_BUCKET = struct.unpack(">H", struct.pack(">d", float(MOST))[:2])[0]

Natural = Annotated[int, Meta(ge=0, le=MOST)]
Bucket = Annotated[int, Meta(ge=0, le=_HIGHEST_BUCKET)]


class HostRequests(msgspec.Struct, array_like=True):
    """What was asked of one virtual host in one minute.

    Attributes:
        requests: all of them, whatever the answer.
        answers_2xx, answers_3xx, answers_4xx, answers_5xx: those answered so; 1xx and what is no status are in none.
        sent_bytes: of the answers, as far as the log tells.
        latency: how many requests took how long, by bucket (see `bucket_us`); empty where the log does not tell.
    """

    requests: Natural = 0
    answers_2xx: Natural = 0
    answers_3xx: Natural = 0
    answers_4xx: Natural = 0
    answers_5xx: Natural = 0
    sent_bytes: Natural = 0
    latency: dict[Bucket, Natural] = msgspec.field(default_factory=dict)

    def add(self, other: HostRequests) -> None:
        """Add what another one counted."""
        self.requests = min(MOST, self.requests + other.requests)
        self.answers_2xx = min(MOST, self.answers_2xx + other.answers_2xx)
        self.answers_3xx = min(MOST, self.answers_3xx + other.answers_3xx)
        self.answers_4xx = min(MOST, self.answers_4xx + other.answers_4xx)
        self.answers_5xx = min(MOST, self.answers_5xx + other.answers_5xx)
        self.sent_bytes = min(MOST, self.sent_bytes + other.sent_bytes)
        for bucket, count in other.latency.items():
            self.latency[bucket] = min(MOST, self.latency.get(bucket, 0) + count)


class RequestTally(msgspec.Struct, array_like=True):
    """What the logs of one source told about one minute.

    Attributes:
        source: name of the `[[logs.source]]`.
        hosts: by virtual host, at most `MOST_HOSTS` besides `OTHER_HOSTS` and `UNKNOWN_HOST`. Names are printable.
    """

    source: str
    hosts: dict[str, HostRequests] = msgspec.field(default_factory=dict)

    def add(self, host: str, counted: HostRequests) -> None:
        """Add what was counted of a virtual host, whose name may be any text. ``counted`` belongs to the tally then."""
        name = clean_host(host)
        if name not in self.hosts and name != UNKNOWN_HOST:
            named = len(self.hosts.keys() - {UNKNOWN_HOST, OTHER_HOSTS})
            name = name if named < MOST_HOSTS else OTHER_HOSTS
        if name in self.hosts:
            self.hosts[name].add(counted)
        else:
            self.hosts[name] = counted

    def merge(self, other: RequestTally) -> None:
        """Add another tally of the same source and minute, which is used up by that."""
        for host, counted in other.hosts.items():
            self.add(host, counted)

    def encode(self) -> bytes:
        """Write it for the store (MessagePack)."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, body: bytes) -> RequestTally:
        """Read what `encode` wrote. Raises ValueError on anything else."""
        try:
            return _DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            message = "unreadable request tally in the store"
            raise ValueError(message) from exc


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RequestTally)


def clean_host(host: str) -> str:
    """Make a name that can be shown and published of what is, in the end, text from a log."""
    if not host.isprintable():
        host = "".join(character if character.isprintable() else "?" for character in host)
    return host[:LONGEST_HOST]


def latency_buckets(values_us: Sequence[int]) -> Counter[int]:
    """Count how many of the values lie in each bucket; a value is not negative and below `MOST`."""
    doubles = memoryview(array("d", values_us))
    return Counter(doubles.cast("B").cast("H")[_TOP_16_BITS::4].tolist())


def bucket_us(bucket: int) -> float:
    """Give the middle of the whole numbers that lie in a bucket; they differ from it by 3.2 % at most."""
    low, high = _least_in(bucket), _least_in(bucket + 1)
    return (low + max(low, high - 1)) / 2


def _least_in(bucket: int) -> int:
    least: float = struct.unpack(">d", struct.pack(">Hxxxxxx", bucket))[0]
    return ceil(least)
