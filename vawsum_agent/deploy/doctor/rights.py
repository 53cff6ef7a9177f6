"""What a policy lacks, told by the refusals of AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})


def is_of_policy(error: AccessDenied) -> bool:
    """Whether a policy refuses this one call; else it is about all of them, such as credentials or the clock."""
    return error.code in _POLICY_CODES and not is_of_key(error)


def is_of_key(error: AccessDenied) -> bool:
    """Whether it is the KMS key that may not, or can't, be used."""
    return error.code.startswith("KMS") or "kms:" in error.message


def refused(ask: Callable[[], object]) -> AccessDenied | None:
    """Give the refusal of a policy, None where it is allowed; an object that does not exist may be asked for.

    Raises:
        AwsError: whatever is about more than this call.
    """
    try:
        ask()
    except AccessDenied as error:
        if is_of_policy(error):
            return error
        raise
    except NotFound as error:
        if error.code != "NoSuchKey":
            raise
    return None


def allowing(action: str, resource: str) -> str:
    """Write what a policy lacks."""
    return f"add to the role's policy: {json.dumps({'Effect': 'Allow', 'Action': action, 'Resource': resource})}"


def of_bucket(folder: str, region: str, *, is_of_objects: bool) -> str:
    """Name a folder such as ``s3://bucket/prefix/`` as policies do: its bucket, or the objects in it."""
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return f"arn:{partition}:s3:::{bucket}" + (f"/{prefix}*" if is_of_objects else "")
