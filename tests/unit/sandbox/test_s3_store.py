"""Bodies, pages and parts of the sandbox's S3 are what went in, cut where asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.aws.s3.bodies import Bodies, Content
from sandbox.aws.s3.listing import list_objects
from sandbox.aws.s3.store import Bucket, Store, Version

if TYPE_CHECKING:
    from pathlib import Path


def version(key: str) -> Version:
    """Return an empty object."""
    return Version(key=key, version_id="", at_ms=0, request_id="r", content=Content())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(0, 100), st.integers(0, 100), st.integers(1, 9))
def test_contents_can_be_cut_anywhere(tmp_path: Path, parts: list[bytes], start: int, size: int, block: int) -> None:
    """A part of a body is the same bytes, across spans, in blocks of any size."""
    bodies, spans = Bodies(tmp_path), []
    for part in parts:
        span = bodies.reserve(len(part))
        span.write(0, part)
        spans.append(span)
    content, whole = Content(tuple(spans)), b"".join(parts)
    assert content.size_bytes == len(whole)
    assert b"".join(content.part(start, size).blocks(block)) == whole[start : start + size]
    bodies.clear()
    bodies.reserve(10).write(0, b"overwrites")
    assert b"".join(content.blocks()) == whole


KEYS = st.sets(st.text("ab/ü~", min_size=1, max_size=5), max_size=12)


@given(KEYS, st.sampled_from(["", "/"]), st.sampled_from(["", "a", "a/"]), st.integers(1, 4))
def test_pages_hold_everything_once(keys: set[str], delimiter: str, prefix: str, limit: int) -> None:
    """Page by page, every key with the prefix comes once, or once the folder that it is in."""
    bucket = Bucket("b", 0, keys={key: [version(key)] for key in keys})
    query, rows, folders = {"prefix": prefix, "delimiter": delimiter, "max-keys": str(limit)}, [], []
    while True:
        page = list_objects("b", bucket.objects(prefix), query)
        rows += [row["Key"] for row in page["Contents"]]
        folders += [row["Prefix"] for row in page["CommonPrefixes"]]
        assert page["KeyCount"] <= limit
        if not page["IsTruncated"]:
            break
        query["continuation-token"] = page["NextContinuationToken"]
    within = sorted((key for key in keys if key.startswith(prefix)), key=str.encode)
    inside = [key for key in within if delimiter and delimiter in key[len(prefix) :]]
    assert rows == [key for key in within if key not in inside]
    assert folders == sorted({key[: key.index("/", len(prefix)) + 1] for key in inside}, key=str.encode)


def test_who_else_writes_is_known_meanwhile() -> None:
    """Only while another write of the same key is under way."""
    store = Store()
    with store.writing("b", "k"), store.writing("b", "other"):
        assert not store.has_other_writers("b", "k")
        with store.writing("b", "k"):
            assert store.has_other_writers("b", "k")
        assert not store.has_other_writers("b", "k")


def test_unversioned_buckets_keep_one_version_beside_those_of_before() -> None:
    """Suspending versions leaves the old ones; what comes then has one place."""
    store, bucket = Store(), Bucket("b", 0)
    store.add(bucket)
    store.put(bucket, version("k"), lambda _: None)
    bucket.is_versioned = False
    for _ in range(3):
        store.put(bucket, version("k"), lambda _: None)
    assert [one.version_id == "null" for one in bucket.keys["k"]] == [False, True]
