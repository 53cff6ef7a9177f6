"""What putting a picture into the bucket costs: CPU of this process, hashing, signing and TLS included."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.bench.bucket import Bucket
from tests.bench.table import Row, Target
from vawsum_agent.aws.objects import NewObject, ObjectStore
from vawsum_agent.aws.session import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.scale import Scale

_BODY_BYTES = 100_000
_PUTS = 500
_WARM_UP = 20
_NAME = "vawsum-images"


def uploading(directory: Path, scale: Scale) -> list[Row]:
    """Put pictures of 100 KB, one after the other: by ours, and by botocore's own client right after."""
    body = os.urandom(_BODY_BYTES)
    ours: list[float] = []
    theirs: list[float] = []
    with Bucket(directory / "bucket") as bucket, pointed_to(bucket):
        session = connect("ap-south-1")
        store, client = ObjectStore(session, _NAME), session.client("s3")
        for _ in range(scale.rounds):
            ours.append(_cost_ms(lambda key: _put(store, key, body)))
            theirs.append(_cost_ms(lambda key: _put_with_botocore(client, key, body)))
    return [
        Row("a PUT of 100 KB", "ms of CPU", ours, Target(0.7, is_at_most=True)),
        Row("a PUT of 100 KB, by botocore alone", "ms of CPU", theirs),
    ]


def _cost_ms(put: Callable[[str], None]) -> float:
    for number in range(_WARM_UP):
        put(f"uploads/warm-up-{number}.jpg")
    began = time.process_time()
    for number in range(_PUTS):
        put(f"uploads/{number:06}.jpg")
    return (time.process_time() - began) * 1000 / _PUTS


def _put(store: ObjectStore, key: str, body: bytes) -> None:
    digest = hashlib.sha256(body).digest()
    store.put(NewObject(key, digest, "image/jpeg", "public, max-age=86400", "", "origin"), body)


def _put_with_botocore(client: Any, key: str, body: bytes) -> None:  # noqa: ANN401 - botocore's
    digest = hashlib.sha256(body).digest()
    client.put_object(
        Bucket=_NAME,
        Key=key,
        Body=body,
        ContentType="image/jpeg",
        CacheControl="public, max-age=86400",
        ChecksumSHA256=base64.b64encode(digest).decode("ascii"),
        Metadata={"vawsum-sha256": digest.hex(), "vawsum-origin": "origin"},
        IfNoneMatch="*",
    )


@contextmanager
def pointed_to(bucket: Bucket) -> Iterator[None]:
    """Let this process's own clients go there."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(bucket.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
