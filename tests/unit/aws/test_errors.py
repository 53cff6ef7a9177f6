"""What becomes of AWS's errors: what failed, on what, and a remedy that fits it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from vawsum_agent.aws.errors import mapped
from vawsum_agent.core import shipped
from vawsum_agent.core.errors import AccessDenied, AwsError

REPOSITORY = Path(__file__).parents[3]


def refused(code: str, status: int = 403) -> AwsError:
    """Map what the service answers."""
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(AwsError) as caught, mapped("sns:Publish", "arn:x"):
        raise ClientError(answer, "Publish")
    return caught.value


def test_a_missing_permission_names_the_action_as_a_policy_does() -> None:
    """With its service, and where the fragments are on an installed host; the clock has nothing to do with it."""
    error = refused("AuthorizationError")
    assert isinstance(error, AccessDenied)
    assert (error.message, error.operation) == ("Publish on arn:x: AuthorizationError: no", "Publish")
    assert error.hint == (
        "allow sns:Publish in the instance role's policy, as the fragments in /usr/share/vawsum-agent/iam do"
    )


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("SignatureDoesNotMatch", "clock"),
        ("RequestExpired", "clock"),
        ("ExpiredTokenException", "instance's role"),
        ("InvalidClientTokenId", "instance's role"),
        ("KMSAccessDenied", "KMS key"),
    ],
)
def test_other_refusals_have_remedies_of_their_own(code: str, part: str) -> None:
    """A clock, unknown credentials and a key are mended elsewhere than in the action's policy."""
    error = refused(code, 400)
    assert isinstance(error, AccessDenied)
    assert part in error.hint
    assert "sns:Publish" not in error.hint


def test_no_hint_nests_brackets() -> None:
    """A hint is shown in brackets behind its message: it has none of its own."""
    hints = [
        refused(code).hint for code in ("AccessDenied", "SignatureDoesNotMatch", "ExpiredToken", "KMSAccessDenied")
    ]
    with pytest.raises(AccessDenied) as caught, mapped("sns:Publish", "arn:x"):
        raise NoCredentialsError
    assert not re.search(r"[()]", "".join([*hints, caught.value.hint]))


def test_hints_name_what_the_packages_install() -> None:
    """Each name leads to a file that the build puts there."""
    for name in ("logs", "metrics", "images", "backup", "alerts", "doctor"):
        assert (
            REPOSITORY / "packaging" / shipped.POLICIES.removeprefix(shipped.SHARE + "/") / f"{name}.json"
        ).is_file()
    for path in (shipped.APACHE_STATUS, shipped.PHP_STATUS):
        assert (REPOSITORY / path.removeprefix(f"{shipped.SHARE}/")).is_file()
