"""The sandbox behaves like CloudWatch metrics to boto3, breaks as it is told to, and keeps true books."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from sandbox import Sandbox
from sandbox.aws.settings import RATE_LIMITS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "CWAgent"
POLICY = Path(__file__).parents[2] / "packaging" / "iam" / "metrics.json"
INSTANCE = [{"Name": "InstanceId", "Value": "i-1"}]
Client = Any


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module; each test begins with an empty one."""
    with Sandbox.start(seed=3) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty sandbox without faults, policies and quotas."""
    shared.reset()
    shared.deny()
    shared.enforce(None)
    shared.settings(clock_offset_s=0, rate_limits_per_s=dict.fromkeys(RATE_LIMITS_PER_S, 1e6))
    return shared


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    """A client that tries once and gives up soon, without checks of its own."""
    return boto3.client(
        "cloudwatch",
        endpoint_url=sandbox.endpoint,
        region_name="ap-south-1",
        aws_access_key_id="AKIASANDBOX000000000",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=2, connect_timeout=2, parameter_validation=False),
    )


def put(client: Client, *data: dict[str, Any], namespace: str = NAMESPACE) -> None:
    """Publish data."""
    client.put_metric_data(Namespace=namespace, MetricData=list(data))


def datum(**parts: Any) -> dict[str, Any]:  # noqa: ANN401 - any parameter
    """Return a correct datum with some of its parts replaced."""
    return {"MetricName": "m", **({} if {"Values", "StatisticValues"} & set(parts) else {"Value": 1.0}), **parts}


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the service's error code."""
    code: str = error.value.response["Error"]["Code"]
    return code


def raw(sandbox: Sandbox, body: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    """Send a PutMetricData that no client library would build."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=5)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"AWS4-HMAC-SHA256 Credential=A/{stamp[:8]}/ap-south-1/monitoring/aws4_request, SignedHeaders=host"
    target = "GraniteServiceVersion20100801.PutMetricData"
    headers = {"X-Amz-Target": target, "X-Amz-Date": stamp, "Authorization": scope, **fields}
    connection.request("POST", "/", body, {key: value for key, value in headers.items() if value})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_accepted_data_stand_in_the_books(sandbox: Sandbox, client: Client) -> None:
    """Every datum is there with namespace, dimensions, unit, time and values; requests of a kind share an id."""
    at = datetime.now(UTC) - timedelta(days=13, hours=23)
    put(
        client,
        datum(MetricName="cpu", Dimensions=INSTANCE, Unit="Percent", Timestamp=at),
        datum(
            MetricName="requests", Values=[1, 2.5], Counts=[3, 1], Dimensions=[*INSTANCE, {"Name": "a", "Value": "b"}]
        ),
        datum(MetricName="set", StatisticValues={"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}),
    )
    cpu, requests, statistics = sandbox.metric_data()
    assert (cpu.namespace, cpu.name, cpu.dimensions) == (NAMESPACE, "cpu", {"InstanceId": "i-1"})
    assert (cpu.unit, cpu.timestamp_ms, cpu.values) == ("Percent", round(at.timestamp() * 1000), [1.0])
    assert (requests.values, requests.counts, requests.unit) == ([1.0, 2.5], [3.0, 1.0], "None")
    assert statistics.statistics == {"sample_count": 2, "sum": 3, "minimum": 1, "maximum": 2}
    assert cpu.request_id == requests.request_id
    assert [row.name for row in sandbox.metric_data(InstanceId="i-1")] == ["cpu", "requests"]
    assert [row.name for row in sandbox.metric_data("requests", InstanceId="i-1", a="b")] == ["requests"]
    assert sandbox.metric_data("cpu", InstanceId="i-2") == []
    summary = sandbox.requests()
    assert summary["operations"] == {"PutMetricData": {"ok": 1}}
    assert summary["figures"]["metric_data_accepted"] == 3
    assert summary["figures"]["metric_samples_accepted"] == 7
    assert sandbox.violations() == []


def test_a_refused_request_stores_nothing_and_is_a_violation(sandbox: Sandbox, client: Client) -> None:
    """One bad datum refuses all; the error has the code of the query protocol and names the datum."""
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        put(client, datum(), datum(Value=float("nan")))
    assert code_of(caught) == "InvalidParameterValue"
    assert "The value NaN for parameter MetricData.member.2.Value is invalid." in str(caught.value)
    assert sandbox.metric_data() == []
    assert [(row["operation"], row["target"], row["code"]) for row in sandbox.violations()] == [
        ("PutMetricData", NAMESPACE, "InvalidParameterValue")
    ]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (datum(Value=float("inf")), "InvalidParameterValue"),
        (datum(Value=2.0**361), "InvalidParameterValue"),
        (datum(Unit="bytes"), "InvalidParameterValue"),
        (datum(Values=[1.0] * 151), "InvalidParameterValue"),
        (datum(Value=1.0, Values=[1.0]), "InvalidParameterCombination"),
        (datum(Values=[1.0, 2.0], Counts=[1]), "InvalidParameterCombination"),
        (datum(Dimensions=[*INSTANCE, *INSTANCE]), "InvalidParameterValue"),
        (datum(Dimensions=[{"Name": "InstanceId", "Value": ""}]), "MissingParameter"),
        (datum(MetricName=""), "MissingParameter"),
        (datum(StorageResolution=30), "InvalidParameterValue"),
        # Far off: a long run comes here hours after these lines were read.
        (datum(Timestamp=datetime.now(UTC) - timedelta(days=15)), "InvalidParameterValue"),
        (datum(Timestamp=datetime.now(UTC) + timedelta(days=2)), "InvalidParameterValue"),
    ],
)
def test_codes_of_refusals(sandbox: Sandbox, client: Client, wrong: dict[str, Any], code: str) -> None:
    """A client meets the codes that the service uses."""
    with pytest.raises(ClientError) as caught:
        put(client, wrong)
    assert code_of(caught) == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(sandbox.violations()) == 1


def test_a_thousand_data_fit_and_no_more(sandbox: Sandbox, client: Client) -> None:
    """A full request is taken, compressed by botocore; one datum more is refused."""
    put(client, *[datum()] * 1000)
    with pytest.raises(ClientError, match="must not have a size greater than 1000"):
        put(client, *[datum()] * 1001)
    assert len(sandbox.metric_data("m")) == 1000


def test_bodies_of_more_than_a_mebibyte_are_refused(sandbox: Sandbox) -> None:
    """The limit holds for the body as sent and for what it inflates to."""
    padding = {"Namespace": NAMESPACE, "MetricData": [{"MetricName": "m", "Value": 1}], "x": ""}
    room = 1_048_576 - len(json.dumps(padding))
    fits, exceeds = (json.dumps({**padding, "x": "x" * size}).encode() for size in (room, room + 1))
    assert raw(sandbox, fits) == (200, {})
    assert raw(sandbox, gzip.compress(fits), **{"Content-Encoding": "gzip"}) == (200, {})
    status, answer = raw(sandbox, exceeds)
    assert (status, answer["__type"]) == (413, "RequestEntityTooLarge")
    assert raw(sandbox, gzip.compress(exceeds), **{"Content-Encoding": "gzip"})[0] == 413
    assert len(sandbox.violations()) == 2


def test_broken_and_unsigned_requests_are_refused(sandbox: Sandbox, client: Client) -> None:
    """No JSON, no gzip, no signature, a clock that is off, or another protocol: nothing is stored."""
    body = json.dumps({"Namespace": NAMESPACE, "MetricData": [datum()]}).encode()
    assert raw(sandbox, b"{")[1]["__type"] == "SerializationException"
    assert raw(sandbox, body, **{"Content-Encoding": "gzip"})[1]["__type"] == "SerializationException"
    assert raw(sandbox, body, Authorization="")[1]["__type"] == "MissingAuthenticationToken"
    assert raw(sandbox, b"Action=PutMetricData", **{"X-Amz-Target": ""})[1]["__type"] == "UnknownOperationException"
    assert len(sandbox.violations()) == 4
    sandbox.settings(clock_offset_s=3600)
    with pytest.raises(ClientError, match="Signature expired") as caught:
        put(client, datum())
    assert code_of(caught) == "SignatureDoesNotMatch"
    assert sandbox.metric_data() == []


def test_a_time_that_clocks_disagree_on_is_no_violation(sandbox: Sandbox, client: Client) -> None:
    """What the service's clock finds a little too old is refused, but the client could not know."""
    sandbox.settings(clock_offset_s=60)
    with pytest.raises(ClientError, match="within the past two weeks"):
        put(client, datum(Timestamp=datetime.now(UTC) - timedelta(days=14) + timedelta(seconds=30)))
    assert sandbox.violations() == []


@pytest.mark.parametrize(
    ("kind", "code", "is_stored"),
    [
        ("throttle", "Throttling", False),
        ("unavailable", "ServiceUnavailable", False),
        ("failure", "InternalServiceError", False),
        ("failure_after", "InternalServiceError", True),
        ("deny", "AccessDenied", False),
    ],
)
def test_refusals_on_demand(sandbox: Sandbox, client: Client, *, kind: str, code: str, is_stored: bool) -> None:
    """Each kind answers in this service's words and stores, or doesn't, as it says; then all is well again."""
    sandbox.fault(kind, operation="PutMetricData", group="CW*", count=1)
    with pytest.raises(ClientError) as caught:
        put(client, datum())
    assert code_of(caught) == code
    assert len(sandbox.metric_data()) == is_stored
    assert sandbox.requests()["operations"]["PutMetricData"] == {code: 1}
    put(client, datum())
    assert sandbox.violations() == []


@pytest.mark.parametrize(("kind", "is_stored"), [("reset", False), ("drop", False), ("reset_after", True)])
def test_connections_break_before_or_after_accepting(
    sandbox: Sandbox, client: Client, *, kind: str, is_stored: bool
) -> None:
    """To the client all three look alike; only the books tell whether the data were accepted."""
    sandbox.fault(kind, operation="cloudwatch:PutMetricData", count=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        put(client, datum())
    assert len(sandbox.metric_data()) == is_stored
    assert sandbox.requests()["operations"]["PutMetricData"] == {kind: 1}


@pytest.mark.parametrize(("kind", "is_stored"), [("hang", False), ("hang_after", True)])
def test_requests_hang_until_the_client_gives_up(
    sandbox: Sandbox, client: Client, *, kind: str, is_stored: bool
) -> None:
    """The connection is accepted and never answered."""
    sandbox.fault(kind, operation="PutMetricData", count=1)
    with pytest.raises(ReadTimeoutError):
        put(client, datum())
    assert len(sandbox.metric_data()) == is_stored


def test_poison_refuses_requests_but_is_no_violation(sandbox: Sandbox, client: Client) -> None:
    """A datum with the text in a name or dimension refuses its request, and the error doesn't say which it is."""
    sandbox.fault("poison", operation="PutMetricData", text="bitter")
    bitter = datum(Dimensions=[{"Name": "a", "Value": "very bitter"}])
    with pytest.raises(ClientError) as caught:
        put(client, datum(), bitter)
    assert code_of(caught) == "InvalidParameterValue"
    assert "member" not in str(caught.value)
    put(client, datum())
    assert sandbox.violations() == []


def test_latency_and_requests_at_once(sandbox: Sandbox, client: Client) -> None:
    """Answers take as long as asked for, and the books tell how many requests of a namespace ran at once."""
    sandbox.fault("latency", operation="PutMetricData", latency_s=0.4)
    threads = [threading.Thread(target=put, args=(client, datum())) for _ in range(3)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.4
    assert sandbox.requests()["most_at_once"] == {"metrics:CWAgent": 3}


def test_outages(sandbox: Sandbox, client: Client) -> None:
    """Connections are refused or answered 503, and afterwards the same address takes data again."""
    put(client, datum())
    sandbox.outage(60)
    with pytest.raises((EndpointConnectionError, ConnectionClosedError)):
        put(client, datum())
    sandbox.calm()
    sandbox.outage(60, mode="503")
    with pytest.raises(ClientError) as caught:
        put(client, datum())
    assert code_of(caught) == "ServiceUnavailable"
    sandbox.calm()
    put(client, datum())
    assert len(sandbox.metric_data()) == 2


def test_quotas_throttle(sandbox: Sandbox, client: Client) -> None:
    """More requests a second than the quota get Throttling."""
    sandbox.settings(rate_limits_per_s={"PutMetricData": 2})
    codes = []
    for _ in range(5):
        try:
            put(client, datum())
            codes.append("ok")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes[:2] == ["ok", "ok"]
    assert "Throttling" in codes


def test_the_policy_limits_the_namespace(sandbox: Sandbox, client: Client) -> None:
    """`packaging/iam/metrics.json` allows data in CWAgent, and neither another namespace nor reading."""
    sandbox.enforce(json.loads(POLICY.read_text()))
    put(client, datum())
    with pytest.raises(ClientError, match="perform: cloudwatch:PutMetricData because no identity-based") as caught:
        put(client, datum(), namespace="Other")
    assert code_of(caught) == "AccessDenied"
    with pytest.raises(ClientError, match="cloudwatch:ListMetrics"):
        client.list_metrics()


def test_statistics_are_told(sandbox: Sandbox, client: Client) -> None:
    """GetMetricStatistics sums what was put in a minute, of exactly this set of dimensions."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
    put(client, datum(Dimensions=INSTANCE, Timestamp=minute, Values=[1.0, 10.0], Counts=[98, 1]))
    put(client, datum(Dimensions=INSTANCE, Timestamp=minute + timedelta(seconds=59), Value=5.0))
    put(client, datum(Timestamp=minute, Value=1000.0))
    query = {"Namespace": NAMESPACE, "MetricName": "m", "Dimensions": INSTANCE, "Period": 60,
             "StartTime": minute, "EndTime": minute + timedelta(minutes=5)}  # fmt: skip
    names = ["Sum", "SampleCount", "Average", "Minimum", "Maximum"]
    (point,) = client.get_metric_statistics(**query, Statistics=names)["Datapoints"]
    assert point["Timestamp"] == minute
    assert [point[name] for name in names] == [113, 100, 1.13, 1, 10]
    (point,) = client.get_metric_statistics(**query, ExtendedStatistics=["p98", "p99", "p99.5"])["Datapoints"]
    assert point["ExtendedStatistics"] == {"p98": 1, "p99": 5, "p99.5": 10}
    assert sandbox.violations() == []


def test_metrics_are_listed_in_pages(sandbox: Sandbox, client: Client) -> None:
    """ListMetrics names each set of dimensions once, 500 a page, and filters."""
    put(client, *(datum(Dimensions=[{"Name": "n", "Value": str(number)}]) for number in range(600)), datum())
    pages = [page["Metrics"] for page in client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE)]
    assert [len(page) for page in pages] == [500, 101]
    found = client.list_metrics(MetricName="m", Dimensions=[{"Name": "n", "Value": "7"}])["Metrics"]
    assert found == [{"Namespace": NAMESPACE, "MetricName": "m", "Dimensions": [{"Name": "n", "Value": "7"}]}]
    assert sandbox.violations() == []


def test_operations_that_are_not_there_are_refused(client: Client) -> None:
    """What would answer from an empty store elsewhere is refused instead."""
    with pytest.raises(ClientError, match="does not know GetMetricData"):
        client.get_metric_data(MetricDataQueries=[], StartTime=datetime.now(UTC), EndTime=datetime.now(UTC))
