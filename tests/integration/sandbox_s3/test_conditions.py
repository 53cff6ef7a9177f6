"""Conditional writes at the sandbox's S3."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.integration.sandbox_s3.clients import BUCKET, code_of, connect

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client


def test_writes_can_be_conditional(sandbox: Sandbox, s3: Client) -> None:
    """`If-None-Match: *` never overwrites; `If-Match` overwrites just that; every version stays."""
    first = s3.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfNoneMatch="*")
    assert code_of(caught) == ("PreconditionFailed", 412)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"3", IfMatch=first["ETag"])
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"4", IfMatch=first["ETag"])
    assert code_of(caught) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="none", Body=b"5", IfMatch=first["ETag"])
    assert code_of(caught) == ("NoSuchKey", 404)
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key="k", IfMatch=first["ETag"])
    assert code_of(caught) == ("PreconditionFailed", 412)
    (stored,) = sandbox.objects(BUCKET)
    assert stored.version_count == 2
    assert [sandbox.object_bytes(BUCKET, "k", one.version_id) for one in sandbox.versions(BUCKET)] == [b"1", b"3"]
    assert sandbox.violations() == []


def test_one_of_many_conditional_writers_wins(sandbox: Sandbox) -> None:
    """Of those who race for one key, one succeeds; the others meet 412, or 409 where both were under way."""
    sandbox.settings(conflict_rate=1)
    outcomes: list[int] = []

    def race(number: int) -> None:
        client = connect(sandbox)
        for key in range(8):
            try:
                client.put_object(Bucket=BUCKET, Key=f"k{key}", Body=b"%d" % number * 300_000, IfNoneMatch="*")
                outcomes.append(200)
            except ClientError as error:
                outcomes.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    # A slow writer that is under way all the time: whoever meets it is refused.
    sandbox.fault("bandwidth", operation="s3:PutObject", group=f"{BUCKET}/k*", bytes_per_s=3_000_000)
    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {200, 409, 412}
    assert 409 in outcomes
    assert outcomes.count(200) == len(sandbox.objects(BUCKET))
    assert all(stored.version_count == 1 for stored in sandbox.objects(BUCKET))
