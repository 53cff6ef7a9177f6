"""What to do when the key is taken: a table."""

from __future__ import annotations

import pytest

from vawsum_agent.aws.objects import ObjectHead
from vawsum_agent.images.upload.verdict import Kind, Verdict, judge

OURS, THEIRS = "origin-of-this-host", "origin-of-another"
MINE, OTHER = "aa" * 32, "bb" * 32
SIZE = 100


def there(sha256: str, origin: str, size_bytes: int = SIZE) -> ObjectHead:
    """An object that has the key."""
    return ObjectHead('"etag"', size_bytes, sha256, origin, "")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Verdict(None)),
        (there(MINE, OURS), Verdict(Kind.ALREADY_THERE, '"etag"')),
        (there(MINE, THEIRS), Verdict(Kind.ALREADY_THERE, '"etag"')),
        (there(OTHER, OURS), Verdict(None, '"etag"')),
        (there(OTHER, THEIRS), Verdict(Kind.COLLISION, '"etag"')),
        (there(MINE, OURS, SIZE + 1), Verdict(None, '"etag"')),
        (there(MINE, THEIRS, SIZE + 1), Verdict(Kind.COLLISION, '"etag"')),
        (there("", OURS), Verdict(None, '"etag"')),
        (there("", THEIRS), Verdict(Kind.COLLISION, '"etag"')),
        (there("", ""), Verdict(Kind.COLLISION, '"etag"')),
    ],
)
def test_what_is_there_decides(found: ObjectHead | None, expected: Verdict) -> None:
    """The same bytes: done. Other bytes from here: written over. Unknown or other bytes from elsewhere: never."""
    assert judge(found, MINE, SIZE, OURS) == expected
