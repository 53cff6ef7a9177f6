"""Signing: the same signature as botocore's own signer, whatever is signed."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.aws.sigv4 import Signer

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30).map(str.strip)
HEADERS = {"X-Amz-Target": "Logs_20140328.PutLogEvents", "Content-Type": "application/x-amz-json-1.1"}


@given(
    st.sampled_from(
        [
            "https://logs.ap-south-1.amazonaws.com/",
            "https://localhost:5000/",
            "http://[::1]:5000/",
            "http://127.0.0.1:80/",
        ]
    ),
    st.dictionaries(st.sampled_from(["X-One", "x-two", "User-Agent", "Content-Encoding"]), TEXT.filter(bool)),
    st.binary(max_size=100),
    st.sampled_from([None, "token/with+signs=="]),
    TEXT.filter(bool),
)
def test_signature_is_the_one_of_botocore(
    url: str, headers: dict[str, str], body: bytes, token: str | None, secret: str
) -> None:
    """Any headers, body, credentials and endpoint: botocore's signer and ours write the same Authorization."""
    credentials = Credentials("AKIA0", secret, token)
    theirs = AWSRequest("POST", url, headers=HEADERS | headers, data=body)
    SigV4Auth(credentials, "logs", "ap-south-1").add_auth(theirs)
    signer = Signer(url, HEADERS | headers, "ap-south-1", "logs")
    ours = signer.sign(body, credentials.get_frozen_credentials(), theirs.headers["X-Amz-Date"])
    assert ours["Authorization"] == theirs.headers["Authorization"]
    assert ours.get("X-Amz-Security-Token") == token


@pytest.mark.parametrize(("day", "secret"), [("20261125", "one"), ("20261124", "two")])
def test_key_follows_day_and_secret(day: str, secret: str) -> None:
    """The derived key that is kept is not used beyond its day, nor with other credentials."""
    signer = Signer("https://localhost/", HEADERS, "ap-south-1", "logs")
    signer.sign(b"x", Credentials("AKIA0", "one").get_frozen_credentials(), "20261124T000000Z")
    fresh = Signer("https://localhost/", HEADERS, "ap-south-1", "logs")
    credentials = Credentials("AKIA0", secret).get_frozen_credentials()
    at = f"{day}T000000Z"
    assert signer.sign(b"x", credentials, at) == fresh.sign(b"x", credentials, at)
