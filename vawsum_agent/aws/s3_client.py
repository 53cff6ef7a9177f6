"""How clients of S3 are configured: no checksum that we did not ask for, no other region than the session's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession


def s3_client(session: AwsSession, *, is_payload_signed: bool = True) -> Any:  # noqa: ANN401 - botocore's
    """Make a client that adds no checksum of its own and asks in no other region than its own.

    Args:
        session: for credentials, region and endpoint.
        is_payload_signed: whether bodies are hashed for the signature. Where every body comes with a checksum in a
            signed header, that hash says nothing new and takes as long as the checksum itself.

    Raises:
        AwsError: the session's configuration can't be used.
    """
    client: Any = session.client(
        "s3",
        parameter_validation=False,
        s3={"payload_signing_enabled": is_payload_signed},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client.meta.events.register("before-call.s3", _stay_in_the_region)
    return client


def _stay_in_the_region(params: dict[str, Any], **_: object) -> None:
    """Let botocore believe that it was redirected already: a bucket elsewhere is to be told of, not paid for unseen."""
    params.get("context", {}).get("s3_redirect", {})["redirected"] = True
