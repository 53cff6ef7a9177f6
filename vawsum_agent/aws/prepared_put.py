"""PutObject, again and again: signed, sent, its answer read, and no more. What `prepared` is to services of JSON.

The first object goes botocore's whole way, which finds the form of the URL (bucket in the name or in the path, dual
stack, an endpoint of one's own), the region to sign for and what every request carries. Later ones take these over, and
only once our request for that same object had the signature that botocore gave it: all that is signed is then equal.
They go by `wire` where a connection is open, else through botocore's session, which opens one.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.awsrequest import AWSPreparedRequest
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.parsers import create_parser

from vawsum_agent.aws.new_object import condition, in_blocks
from vawsum_agent.aws.sigv4 import Scope, host_of
from vawsum_agent.aws.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import BaseClient
    from botocore.credentials import ReadOnlyCredentials

    from vawsum_agent.aws.new_object import NewObject
    from vawsum_agent.aws.session import AwsSession

_OF_ALL_REQUESTS = frozenset({"user-agent"})
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request,")
_ASK_FIRST_BYTES = 1 << 20
"""From here on a body is sent only when S3 says that it will take it. Below, that costs a round trip for little."""


@dataclass(frozen=True, slots=True)
class Stored:
    """S3's answer to a PUT: the ETag, and the checksum of what it stored; each empty when it did not say."""

    etag: str
    checksum: str


class Form:
    """What requests to one bucket have in common.

    Args:
        base: the URL before the key, with its last slash.
        scope: to sign for.
        headers: that all requests carry, none of which is signed.

    Attributes:
        host: as it is signed.
        origin: the URL before the path.
    """

    def __init__(self, base: str, scope: Scope, headers: Mapping[str, str]) -> None:
        self._base = base
        self.host = host_of(base)
        self._path = "/" + base.partition("://")[2].partition("/")[2]
        self.origin = base.removesuffix(self._path)
        self._scope = scope
        self._headers = dict(headers)

    def request(
        self, new: NewObject, if_match: str, credentials: ReadOnlyCredentials, at: str
    ) -> tuple[str, dict[str, str]]:
        """Make URL and headers of a PUT; ``at`` is like ``20261124T101500Z``."""
        key = encoded(new.key)
        digest = new.sha256.hex()
        headers = new.headers()
        headers["x-amz-content-sha256"] = digest
        headers["x-amz-date"] = at
        if if_match:
            headers["if-match"] = if_match
        else:
            headers["if-none-match"] = "*"
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        signed = headers | {"host": self.host}
        ordered = sorted(signed)
        names = ";".join(ordered)
        lines = "".join([f"{name}:{' '.join(signed[name].split())}\n" for name in ordered])
        # S3 signs the path as it is sent: encoded once, neither normalised nor encoded again.
        canonical = f"PUT\n{self._path}{key}\n\n{lines}\n{names}\n{digest}"
        headers["authorization"] = self._scope.authorization(canonical, names, credentials, at)
        return self._base + key, headers | self._headers


def encoded(key: str) -> str:
    """Encode a key for a URL's path, as S3 does."""
    return quote(key, safe="/~")


class PreparedPut:
    """PutObject into one bucket. Threads may call it side by side.

    Args:
        session: the one that made the client; its credentials sign.
        client: of S3, set to sign payloads.
        bucket: of all objects.
    """

    def __init__(self, session: AwsSession, client: BaseClient, bucket: str) -> None:
        self._session = session
        self._client: Any = client
        self._bucket = bucket
        self._model: Any = client.meta.service_model.operation_model("PutObject")
        self._parser = create_parser("rest-xml")
        self._form: Form | None = None
        self._wire: Wire | None = None
        self._first = threading.local()
        client.meta.events.register("before-send.s3.PutObject", self._learn)

    @property
    def is_prepared(self) -> bool:
        """Whether the next object goes the short way."""
        return self._form is not None

    def send(self, new: NewObject, body: bytes, if_match: str) -> Stored:
        """Send an object whose digest is ``new.sha256``. Raises what the client would."""
        form = self._form
        if form is None:
            return self._send_first(new, body, if_match)
        credentials = self._session.credentials()
        if credentials is None:
            raise NoCredentialsError
        url, headers = form.request(new, if_match, credentials, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        answer = None
        if self._wire is not None and len(body) < _ASK_FIRST_BYTES:
            answer = self._wire.send("PUT", url[len(form.origin) :], {"host": form.host, **headers}, body)
        if answer is None:
            answer = self._send_by_session(url, headers, body)
        if answer.status_code != HTTPStatus.OK:
            parsed = self._parser.parse(convert_to_response_dict(answer, self._model), self._model.output_shape)
            raise ClientError(parsed, "PutObject")
        return Stored(answer.headers.get("etag", ""), answer.headers.get("x-amz-checksum-sha256", ""))

    def _send_first(self, new: NewObject, body: bytes, if_match: str) -> Stored:
        self._first.object = (new, if_match)
        answer = self._client.put_object(
            Bucket=self._bucket,
            Body=in_blocks(body),
            ChecksumSHA256=new.checksum,
            **new.arguments(),
            **condition(if_match),
        )
        return Stored(answer.get("ETag", ""), answer.get("ChecksumSHA256", ""))

    def _send_by_session(self, url: str, headers: Mapping[str, str], body: bytes) -> Any:  # noqa: ANN401 - botocore's
        """Send over the client's own session, which opens connections with its settings of TLS and proxies."""
        # A plain dict: looking names up without regard to case, which nobody needs, takes 0.1 ms a request.
        fields = {name: value.encode() for name, value in headers.items()}
        fields["Content-Length"] = str(len(body)).encode()
        if len(body) >= _ASK_FIRST_BYTES:
            fields["Expect"] = b"100-continue"
        request = AWSPreparedRequest("PUT", url, fields, in_blocks(body), stream_output=False)
        return self._client._endpoint.http_session.send(request)  # noqa: SLF001

    def _learn(self, request: AWSPreparedRequest, **_: object) -> None:
        """Take over what botocore sends, once our signature of the same request is its signature."""
        if self._form is not None:
            return
        new, if_match = self._first.object
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        scope = _SCOPE.match(headers.get("authorization", ""))
        credentials = self._session.credentials()
        key = encoded(new.key)
        if scope is None or credentials is None or not request.url.endswith(f"/{key}"):
            return
        kept = {name: value for name, value in headers.items() if name in _OF_ALL_REQUESTS}
        form = Form(request.url.removesuffix(key), Scope(scope[1], scope[2]), kept)
        url, ours = form.request(new, if_match, credentials, headers.get("x-amz-date", ""))
        if (url, _signature(ours)) == (request.url, _signature(headers)):
            self._wire = Wire.of(self._client._endpoint.http_session, form.origin)  # noqa: SLF001
            self._form = form


def _signature(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("Credential=")[2]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
