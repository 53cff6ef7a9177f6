"""How large the parts of an object are whose size nobody knows yet. Pure.

S3 takes 10,000 parts of 5 MiB to 5 GiB. Parts wait in memory, so they begin small; they grow so that 5 TB fit.
"""

from __future__ import annotations

MOST_PARTS = 10_000
LEAST_BYTES = 8 << 20
MOST_BYTES = 5 << 30

_MIB = 1 << 20
_STEADY_PARTS_AS_ESTIMATED = 8_000
_GROWTH_BEYOND_ESTIMATE = 1.006
_STEADY_PARTS = 2_048
_GROWTH = 1.0008


def part_bytes(number: int, estimated_bytes: int = 0) -> int:
    """Give the size at which a part is full.

    With an estimate, parts are of one size until it is reached and a quarter more is left; what it lacks is made up for
    by the last fifth of the parts, which grow fast. Without one they are of 8 MiB for the first 16 GiB, and grow by
    0.08 % from one to the next: 34 MiB at 50 GiB, 70 MiB at 100 GiB.

    Args:
        number: of the part, from 1 to 10,000.
        estimated_bytes: of the whole object; 0 where nobody knows. Too large does no harm but to memory.
    """
    if estimated_bytes > 0:
        least, steady, growth = (
            -(-estimated_bytes // _STEADY_PARTS_AS_ESTIMATED),
            _STEADY_PARTS_AS_ESTIMATED,
            _GROWTH_BEYOND_ESTIMATE,
        )
    else:
        least, steady, growth = 0, _STEADY_PARTS, _GROWTH
    size = max(LEAST_BYTES, least) * growth ** max(0, number - steady)
    return min(MOST_BYTES, -(-int(size) // _MIB) * _MIB)
