"""One operation whose body is built already, called again and again: signed, sent, its answer read, and no more.

The first call goes botocore's whole way, which finds the endpoint, the kind of signature and the headers. Later ones
take these over. What botocore does for each call beyond that costs 1.3 ms of CPU, as much as compressing a megabyte.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.parsers import create_parser

from vawsum_agent.aws.sigv4 import Signer

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from vawsum_agent.aws.session import AwsSession

_OF_ONE_CALL = frozenset(
    {
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "authorization",
        "content-length",
        "x-amz-date",
        "x-amz-security-token",
    }
)
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request,")
_FIRST_OF_ERRORS = 300


@dataclass(frozen=True, slots=True)
class _Template:
    """What all calls have in common."""

    url: str
    signer: Signer


class PreparedCall:
    """One operation of a client, with a gzipped JSON body in place of arguments. Threads may call it side by side.

    Args:
        session: the one that made the client; its credentials sign.
        client: of a service that speaks JSON.
        operation: as the API calls it, such as ``PutLogEvents``.
        method: as the client calls it, such as ``put_log_events``.
    """

    def __init__(self, session: AwsSession, client: BaseClient, operation: str, method: str) -> None:
        self._session = session
        self._client: Any = client
        self._operation = operation
        self._method = getattr(client, method)
        self._model: Any = client.meta.service_model.operation_model(operation)
        self._parser = create_parser("json")
        self._template: _Template | None = None
        self._body = threading.local()
        name = f"{client.meta.service_model.service_id.hyphenize()}.{operation}"
        client.meta.events.register(f"before-call.{name}", self._put_body_in_place)
        client.meta.events.register(f"before-send.{name}", self._learn)

    def call(self, body: bytes, **arguments: object) -> dict[str, Any]:
        """Send ``body``; ``arguments`` satisfy the client and are not sent. Raises what the client would."""
        template = self._template
        if template is None:
            self._body.value = body
            answer: dict[str, Any] = self._method(**arguments)
            return answer
        credentials = self._session.credentials()
        if credentials is None:
            raise NoCredentialsError
        headers = template.signer.sign(body, credentials, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        headers["Content-Length"] = str(len(body))
        request = AWSPreparedRequest("POST", template.url, HeadersDict(headers), body, stream_output=False)
        # The client's own session, for its settings of TLS, proxies and connections.
        response = self._client._endpoint.http_session.send(request)  # noqa: SLF001
        parsed: dict[str, Any] = self._parser.parse(
            convert_to_response_dict(response, self._model), self._model.output_shape
        )
        if response.status_code >= _FIRST_OF_ERRORS:
            raise ClientError(parsed, self._operation)
        return parsed

    def _put_body_in_place(self, params: dict[str, Any], **_: object) -> None:
        params["body"] = self._body.value
        params["headers"]["Content-Encoding"] = "gzip"

    def _learn(self, request: AWSPreparedRequest, **_: object) -> None:
        """Take over what botocore sends, once our signature of the same request is its signature."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        scope = _SCOPE.match(headers.get("Authorization", ""))
        credentials = self._session.credentials()
        if scope is None or credentials is None:
            return
        kept = {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_CALL}
        signer = Signer(request.url, kept, scope[1], scope[2])
        ours = signer.sign(request.body, credentials, headers.get("X-Amz-Date", ""))
        if _signature(ours) == _signature(headers):
            self._template = _Template(request.url, signer)


def _signature(headers: dict[str, str]) -> str:
    return headers["Authorization"].partition("Credential=")[2]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
