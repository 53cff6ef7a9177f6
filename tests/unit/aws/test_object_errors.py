"""What becomes of S3's errors: which speak against the object, which against the bucket, which against nothing."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from vawsum_agent.aws.object_errors import Conflict, ObjectExists, mapped_object
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected, Throttled, Unavailable

REGION = "ap-south-1"


def refused(
    code: str, status: int, message: str = "no", *, action: str = "s3:PutObject", region: str = "", **more: str
) -> AwsError:
    """Map what S3 answers; ``region`` is told by the answer's header."""
    answer: dict[str, Any] = {
        "Error": {"Code": code, "Message": message, **more},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "HTTPHeaders": {"x-amz-bucket-region": region} if region else {},
        },
    }
    with pytest.raises(AwsError) as caught, mapped_object(action, "vawsum-images", "uploads/a.jpg", REGION):
        raise ClientError(answer, "PutObject")
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("PreconditionFailed", 412, ObjectExists),
        ("PreconditionFailed", 500, ObjectExists),  # inside a 200 of CompleteMultipartUpload
        ("412", 412, ObjectExists),  # a HEAD or GET without a body
        ("ConditionalRequestConflict", 409, Conflict),
        ("OperationAborted", 409, Conflict),
        ("NoSuchUpload", 404, Conflict),
        ("NoSuchKey", 404, Conflict),  # of a PUT with If-Match
        ("SlowDown", 503, Throttled),
        ("TooManyRequests", 429, Throttled),
        ("KMS.ThrottlingException", 400, Throttled),
        ("InternalError", 500, Unavailable),
        ("ServiceUnavailable", 503, Unavailable),
        ("RequestTimeout", 400, Unavailable),
        ("BadDigest", 400, Unavailable),
        ("RequestTimeTooSkewed", 403, AccessDenied),
        ("ExpiredToken", 400, AccessDenied),
        ("InvalidAccessKeyId", 403, AccessDenied),
        ("AccessDenied", 403, AccessDenied),
        ("KMS.DisabledException", 400, AccessDenied),
        ("KMS.NotFoundException", 400, AccessDenied),
        ("NoSuchBucket", 404, NotFound),
        ("EntityTooLarge", 400, Rejected),
        ("KeyTooLongError", 400, Rejected),
    ],
)
def test_each_error_has_its_place(code: str, status: int, expected: type[AwsError]) -> None:
    """Only what is wrong with the object itself is Rejected: anything else would set good pictures aside for ever."""
    error = refused(code, status)
    assert type(error) is expected
    assert (error.operation, error.code) == ("PutObject", code)
    assert "s3://vawsum-images/uploads/a.jpg" in error.message


@pytest.mark.parametrize("code", ["BadDigest", "RequestTimeout", "ConditionalRequestConflict"])
def test_what_was_refused_as_a_whole_was_not_done(code: str) -> None:
    """S3 said no to all of the body: nothing is there that could be met later."""
    error = refused(code, 409 if code.startswith("Cond") else 400)
    assert isinstance(error, Unavailable)
    assert (error.maybe_done, error.retryable) == (False, True)


def test_a_key_that_is_missing_is_missed_only_when_it_is_read() -> None:
    """GET: it is not there. PUT with If-Match: it went meanwhile, which the next attempt finds."""
    assert type(refused("NoSuchKey", 404, action="s3:GetObject")) is NotFound


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("PermanentRedirect", 301, {"region": "eu-west-1"}),
        ("AuthorizationHeaderMalformed", 400, {"Region": "eu-west-1"}),
        ("IllegalLocationConstraintException", 400, {"region": "eu-west-1"}),
        ("301", 301, {"region": "eu-west-1"}),
        ("400", 400, {"region": "eu-west-1"}),
    ],
)
def test_a_bucket_elsewhere_is_told_with_its_region(code: str, status: int, told: dict[str, str]) -> None:
    """One line: where the bucket is, where it was looked for, what to do."""
    error = refused(code, status, **told)
    assert isinstance(error, NotFound)
    assert str(error) == (
        "PutObject on s3://vawsum-images/uploads/a.jpg: the bucket is in eu-west-1, not in ap-south-1 "
        "(use a bucket in ap-south-1, or set agent.region to the bucket's region)"
    )


def test_a_redirect_to_where_we_are_passes() -> None:
    """A bucket that is new answers so for a while; it is no other region."""
    error = refused("TemporaryRedirect", 307, region=REGION)
    assert isinstance(error, Unavailable)
    assert not error.maybe_done


@pytest.mark.parametrize(
    ("code", "status", "message", "part"),
    [
        ("RequestTimeTooSkewed", 403, "no", "clock"),
        ("SignatureDoesNotMatch", 403, "no", "clock"),
        ("ExpiredToken", 400, "no", "instance's role"),
        ("400", 400, "Bad Request", "instance's role"),
        ("KMS.DisabledException", 400, "no", "be enabled"),
        ("AccessDenied", 403, "not authorized to perform: kms:GenerateDataKey", "use the KMS key"),
        ("AccessDenied", 403, "no", "allow s3:PutObject"),
    ],
)
def test_refusals_have_remedies_that_fit(code: str, status: int, message: str, part: str) -> None:
    """The clock, the credentials, the key and the policy are mended in different places."""
    error = refused(code, status, message)
    assert isinstance(error, AccessDenied)
    assert part in error.hint
