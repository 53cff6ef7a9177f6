"""The protocols of AWS that the front speaks: JSON 1.1, JSON 1.0 for what used to be query, and query with XML.

Errors are raised in one vocabulary, that of JSON 1.1. Each dialect says them in its service's words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import orjson

from sandbox.aws.answers import Answer, ServiceError
from sandbox.aws.requests import inflate, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.front_service import Parameters
    from sandbox.aws.wire import Head

JSON_1_0 = "application/x-amz-json-1.0"
_QUERY_CODES: dict[str, tuple[str, int]] = {
    "AccessDeniedException": ("AccessDenied", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InternalFailure": ("InternalFailure", 500),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "ServiceUnavailableException": ("ServiceUnavailable", 503),
    "ThrottlingException": ("Throttling", 400),
    "UnknownOperationException": ("InvalidAction", 400),
}


class Json11:
    """AWS JSON 1.1, as CloudWatch Logs speaks it."""

    is_named_in_body = False

    def read(self, head: Head, body: bytes) -> Parameters:
        """Return a request's parameters; the body may be compressed with gzip."""
        return parse_json(inflate(head, body))

    def answer(self, _operation: str, document: dict[str, Any], _request_id: str) -> Answer:
        """Write down what an operation returned."""
        return Answer(200, orjson.dumps(document))

    def refusal(self, error: ServiceError, _head: Head, _request_id: str) -> Answer:
        """Write down an error."""
        return Answer(error.status, error.body())

    def code(self, error: ServiceError) -> str:
        """Return the error's code as clients see it."""
        return error.code


class QueryCompatibleJson:
    """AWS JSON 1.0 of a service that used to speak query, as CloudWatch does.

    A client that says `x-amzn-query-mode` gets the error code of old in a header beside the new type in the body.

    Args:
        codes: what the service calls an error in query, with its HTTP status, where it differs from most services.
        types: what the service calls it in JSON, by its code in query.
        limit_bytes: of a body, as sent and inflated.
    """

    is_named_in_body = False

    def __init__(self, codes: Mapping[str, tuple[str, int]], types: Mapping[str, str], limit_bytes: int) -> None:
        self._codes = {**_QUERY_CODES, **codes}
        self._types = types
        self._limit_bytes = limit_bytes

    def read(self, head: Head, body: bytes) -> Parameters:
        """Return a request's parameters; neither the body as sent nor the body inflated may be above the limit."""
        self._check_size(body)
        plain = inflate(head, body)
        self._check_size(plain)
        return parse_json(plain)

    def _check_size(self, body: bytes) -> None:
        if len(body) > self._limit_bytes:
            message = f"Request size {len(body)} exceeded {self._limit_bytes} bytes"
            raise ServiceError("RequestEntityTooLarge", message, status=413, is_violation=True)

    def answer(self, _operation: str, document: dict[str, Any], _request_id: str) -> Answer:
        """Write down what an operation returned."""
        return Answer(200, orjson.dumps(document), JSON_1_0)

    def refusal(self, error: ServiceError, head: Head, _request_id: str) -> Answer:
        """Write down an error."""
        code, status = self._codes.get(error.code, (error.code, error.status))
        document = {"__type": self._types.get(code, code)}
        if error.message:
            document["message"] = error.message
        is_asked = head.get("x-amzn-query-mode").lower() == "true"
        fields = (("x-amzn-query-error", f"{code};{_fault_of(status)}"),) if is_asked else ()
        return Answer(status, orjson.dumps(document), JSON_1_0, fields)

    def code(self, error: ServiceError) -> str:
        """Return the error's code as clients see it."""
        return self._codes.get(error.code, (error.code, 0))[0]


class Query:
    """The query protocol: a form comes in, XML goes out.

    Documents hold texts, documents and lists of them; a tuple is an element that comes as often as it is long.
    """

    is_named_in_body = True

    def __init__(self, namespace: str, codes: Mapping[str, tuple[str, int]]) -> None:
        self._namespace = namespace
        self._codes = {**_QUERY_CODES, **codes}

    def read(self, head: Head, body: bytes) -> Parameters:
        """Return a request's parameters as they stand in the form, `InstanceIds.member.1` and the like."""
        del head
        return read_form(body)

    def answer(self, operation: str, document: dict[str, Any], request_id: str) -> Answer:
        """Write down what an operation returned."""
        result = "".join(_element(key, value) for key, value in document.items())
        return self._xml(
            f'<{operation}Response xmlns="{self._namespace}"><{operation}Result>{result}</{operation}Result>'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
            200,
        )

    def refusal(self, error: ServiceError, _head: Head, request_id: str) -> Answer:
        """Write down an error."""
        code, status = self._codes.get(error.code, (error.code, error.status))
        return self._xml(
            f'<ErrorResponse xmlns="{self._namespace}"><Error><Type>{_fault_of(status)}</Type><Code>{code}</Code>'
            f"<Message>{_plain(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            status,
        )

    def code(self, error: ServiceError) -> str:
        """Return the error's code as clients see it."""
        return self._codes.get(error.code, (error.code, 0))[0]

    @staticmethod
    def _xml(text: str, status: int) -> Answer:
        return Answer(status, text.encode(), "text/xml")


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; bytes that are no UTF-8 make the whole form unreadable, as the services find it."""
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict"))
    except ValueError as exc:
        raise ServiceError("MalformedQueryString", "The query string is malformed.", is_violation=True) from exc


def action_in(body: bytes) -> str:
    """Return the operation that a form names, also where the rest of it is unreadable; an empty text for none."""
    return dict(parse_qsl(body.decode("latin-1"))).get("Action", "")


def _element(key: str, value: object) -> str:
    if isinstance(value, tuple):
        return "".join(_element(key, one) for one in value)
    if isinstance(value, list):
        inner = "".join(_element("member", one) for one in value)
    elif isinstance(value, dict):
        inner = "".join(_element(name, one) for name, one in value.items())
    else:
        inner = _plain(str(value))
    return f"<{key}>{inner}</{key}>"


def _plain(text: str) -> str:
    """Escape a text; control characters have no place in XML 1.0, not even escaped."""
    return escape("".join(char for char in text if char >= " " or char in "\t\n\r"))


def _fault_of(status: int) -> str:
    return "Sender" if status < 500 else "Receiver"
