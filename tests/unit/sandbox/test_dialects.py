"""Each service is spoken to in its own protocol, and says the same error in its own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError, failure, invalid, throttled, unavailable
from sandbox.aws.autoscaling_service import AutoScalingService
from sandbox.aws.books import Books
from sandbox.aws.dialects import action_in, read_form
from sandbox.aws.metadata import Metadata
from sandbox.aws.metric_store import MetricStore
from sandbox.aws.metrics_service import MetricsService
from sandbox.aws.settings import Settings
from sandbox.aws.sns_service import SnsService
from sandbox.aws.wire import Head

if TYPE_CHECKING:
    from sandbox.aws.front_service import Dialect

PLAIN = Head("POST / HTTP/1.1", ())
FROM_SDK = Head("POST / HTTP/1.1", (("x-amzn-query-mode", "true"),))
METRICS = MetricsService(MetricStore(), Settings(), Books()).dialect
SNS = SnsService(Settings(), Books()).dialect
SCALING = AutoScalingService(Settings(), Metadata()).dialect
DENIED = ServiceError("AccessDeniedException", "no")


@pytest.mark.parametrize(
    ("dialect", "error", "code", "status"),
    [
        (METRICS, throttled(), "Throttling", 400),
        (METRICS, unavailable(), "ServiceUnavailable", 503),
        (METRICS, failure(), "InternalServiceError", 500),
        (METRICS, invalid("x"), "InvalidParameterValue", 400),
        (METRICS, DENIED, "AccessDenied", 403),
        (SNS, throttled(), "Throttling", 400),
        (SNS, failure(), "InternalError", 500),
        (SNS, invalid("x"), "InvalidParameter", 400),
        (SNS, DENIED, "AuthorizationError", 403),
        (SCALING, unavailable(), "ServiceUnavailable", 503),
        (SCALING, failure(), "InternalFailure", 500),
        (SCALING, invalid("x"), "ValidationError", 400),
        (SCALING, DENIED, "AccessDenied", 403),
    ],
)
def test_errors_have_the_services_names(dialect: Dialect, error: ServiceError, code: str, status: int) -> None:
    """What is one error to faults and policies is each service's own to a client, and to the books."""
    answer = dialect.refusal(error, FROM_SDK, "id")
    assert dialect.code(error) == code
    assert answer.status == status
    assert code in answer.body.decode() + str(answer.fields)


def test_old_codes_are_told_to_those_who_ask() -> None:
    """JSON names the type; the code of the query protocol comes in a header, and only in query mode."""
    asked, unasked = (METRICS.refusal(invalid("x"), head, "id") for head in (FROM_SDK, PLAIN))
    assert asked.fields == (("x-amzn-query-error", "InvalidParameterValue;Sender"),)
    assert unasked.fields == ()
    assert json.loads(asked.body) == {"__type": "InvalidParameterValueException", "message": "x"}
    assert METRICS.refusal(failure(), FROM_SDK, "id").fields[0][1] == "InternalServiceError;Receiver"


def test_forms_that_are_no_utf_8_are_refused_but_name_their_action() -> None:
    """A broken message is refused by the service it was meant for."""
    broken = b"Action=Publish&Message=%FF"
    assert action_in(broken) == "Publish"
    with pytest.raises(ServiceError, match="MalformedQueryString"):
        read_form(broken)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=30))
def test_xml_is_well_formed(text: str) -> None:
    """Whatever stands in an answer or an error, a parser reads it."""
    for answer in (
        SNS.answer("Publish", {"MessageId": text, "List": [{"A": text}]}, "id"),
        SNS.refusal(invalid(text), PLAIN, "id"),
    ):
        ET.fromstring(answer.body)  # noqa: S314 - our own
