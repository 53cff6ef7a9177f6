"""A client for the sandbox's S3 that tries once, and how its errors are read."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from sandbox.aws.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY

if TYPE_CHECKING:
    import pytest
    from botocore.exceptions import ClientError

    from sandbox import Sandbox

Client = Any
BUCKET = "vawsum-images"


def connect(
    sandbox: Sandbox, *, tls: bool = False, secret: str = SECRET_ACCESS_KEY, read_timeout_s: float = 10
) -> Client:
    """Return a client that tries once and gives up soon."""
    return boto3.client(
        "s3",
        endpoint_url=sandbox.tls_endpoint if tls else sandbox.endpoint,
        verify=sandbox.ca_bundle if tls else None,
        region_name="ap-south-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout_s, connect_timeout=2),
    )


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Return the service's error code and the HTTP status."""
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def sha256_of(body: bytes) -> str:
    """Return a checksum as S3 writes it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def send(
    sandbox: Sandbox, method: str, fields: dict[str, str], body: bytes, path: str = f"/{BUCKET}/k"
) -> tuple[int, str]:
    """Send a request that no SDK would, and return status and error code.

    Its credentials are none of those whose signature is computed.
    """
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = ";".join(sorted({"host", "x-amz-date", *(name for name in fields if name.startswith("x-amz-"))}))
    scope = f"Credential=AKIAOTHER/{date[:8]}/ap-south-1/s3/aws4_request"
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=5)
    connection.putrequest(method, path)
    for name, value in {"x-amz-date": date, **fields}.items():
        connection.putheader(name, value)
    connection.putheader("Authorization", f"AWS4-HMAC-SHA256 {scope}, SignedHeaders={signed}, Signature={'0' * 64}")
    connection.endheaders(body)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text.partition("<Code>")[2].partition("</Code>")[0]
