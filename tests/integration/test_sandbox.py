"""The sandbox behaves like CloudWatch Logs to boto3, breaks as it is told to, and keeps true books."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
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
    SSLError,
)

from sandbox import Sandbox, SandboxError
from sandbox.aws.settings import RATE_LIMITS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP, STREAM = "/vawsum/test/access", "i-1/var/log/access.log"
Client = Any


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module; each test begins with an empty one."""
    with Sandbox.start(tls=True, moto=True, seed=3) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty sandbox without faults, delays and quotas."""
    shared.reset()
    shared.deny()
    shared.settings(visibility_delay_s=0, old_visibility_delay_s=0, empty_page_rate=0, clock_offset_s=0,
                    page_limit_count=10_000, rate_limits_per_s=dict.fromkeys(RATE_LIMITS_PER_S, 1e6))  # fmt: skip
    return shared


def connect(sandbox: Sandbox, service: str = "logs", *, tls: bool = False, patience_s: float = 2) -> Client:
    """Return a client that tries once and gives up soon."""
    return boto3.client(
        service,
        endpoint_url=sandbox.tls_endpoint if tls else sandbox.endpoint,
        verify=sandbox.ca_bundle if tls else None,
        region_name="ap-south-1",
        aws_access_key_id="AKIASANDBOX000000000",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=patience_s, connect_timeout=2),
    )


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    """A client for CloudWatch Logs, with a group and a stream that exist."""
    client = connect(sandbox)
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    return client


def now_ms() -> int:
    """Return this machine's time."""
    return int(time.time() * 1000)


def put(
    client: Client, *messages: str, at: int | None = None, group: str = GROUP, stream: str = STREAM
) -> dict[str, Any]:
    """Put messages that share a timestamp and return the answer."""
    at = now_ms() if at is None else at
    events = [{"timestamp": at, "message": message} for message in messages]
    answer: dict[str, Any] = client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return answer


def stored(sandbox: Sandbox) -> list[str]:
    """Return all accepted messages."""
    return [event.message for _, _, event in sandbox.all_events()]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the service's error code."""
    code: str = error.value.response["Error"]["Code"]
    return code


def raw(sandbox: Sandbox, body: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    """Send a PutLogEvents that no client library would build."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=5)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = (
        f"AWS4-HMAC-SHA256 Credential=AKIA/{stamp[:8]}/ap-south-1/logs/aws4_request, SignedHeaders=host, Signature=0"
    )
    headers = {"X-Amz-Target": "Logs_20140328.PutLogEvents", "X-Amz-Date": stamp, "Authorization": scope, **fields}
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_ready_without_moto() -> None:
    """Tests of logs don't wait for moto."""
    begun = time.monotonic()
    with Sandbox.start() as sandbox:
        assert time.monotonic() - begun < 5
        assert sandbox.count() == 0


def test_events_round_trip(sandbox: Sandbox, client: Client) -> None:
    """What was put is got, byte for byte, identical lines and control characters included."""
    messages = ["plain", "plain", "nul \0 tab \t", "ünïcode 🪵", '{"json": "\\u0041"}']
    answer = put(client, *messages)
    assert "rejectedLogEventsInfo" not in answer
    events = client.get_log_events(logGroupName=GROUP, logStreamName=STREAM, startFromHead=True)["events"]
    assert [event["message"] for event in events] == messages == stored(sandbox)
    assert all(event["ingestionTime"] >= event["timestamp"] for event in events)
    assert sandbox.violations() == []


def test_missing_group_and_stream_are_told_apart(sandbox: Sandbox, client: Client) -> None:
    """ResourceNotFoundException says which of the two is missing; it breaks no rule."""
    for group, stream, what in ((GROUP, "other", "stream"), ("/other", STREAM, "group")):
        with pytest.raises(ClientError, match=f"The specified log {what} does not exist.") as caught:
            put(client, "x", group=group, stream=stream)
        assert code_of(caught) == "ResourceNotFoundException"
    assert sandbox.violations() == []


def test_creating_twice_is_refused(client: Client) -> None:
    """A client that races with another learns that the group or stream is there."""
    with pytest.raises(ClientError) as caught:
        client.create_log_group(logGroupName=GROUP)
    assert code_of(caught) == "ResourceAlreadyExistsException"
    with pytest.raises(ClientError) as caught:
        client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    assert code_of(caught) == "ResourceAlreadyExistsException"


def test_bad_batch_is_a_violation_and_stores_nothing(sandbox: Sandbox, client: Client) -> None:
    """A batch out of order is refused whole and stands in the list of violations."""
    at = now_ms()
    events = [{"timestamp": at, "message": "a"}, {"timestamp": at - 1, "message": "b"}]
    with pytest.raises(ClientError, match="chronological order") as caught:
        client.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    assert code_of(caught) == "InvalidParameterException"
    assert sandbox.count() == 0
    assert [row["operation"] for row in sandbox.violations()] == ["PutLogEvents"]


def test_too_old_and_too_new_are_refused_inside_a_200(sandbox: Sandbox, client: Client) -> None:
    """The answer is 200, gives indexes, and only the rest is stored."""
    day, at = 86_400_000, now_ms()
    assert put(client, "a", "b", at=at - 15 * day)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    assert put(client, "c", at=at + 3 * 3_600_000)["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    client.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    assert put(client, "d", at=at - 2 * day)["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert sandbox.count() == 0
    assert sandbox.requests()["figures"]["events_rejected"] == 4


def test_gzip_bodies_are_taken(sandbox: Sandbox, client: Client) -> None:
    """`Content-Encoding: gzip` is understood; broken gzip and broken JSON are refused."""
    put(client, "first")
    event = {"timestamp": now_ms(), "message": "zipped"}
    body = json.dumps({"logGroupName": GROUP, "logStreamName": STREAM, "logEvents": [event]}).encode()
    assert raw(sandbox, gzip.compress(body), **{"Content-Encoding": "gzip"})[0] == 200
    assert stored(sandbox) == ["first", "zipped"]
    assert raw(sandbox, body, **{"Content-Encoding": "gzip"}) == (400, {"__type": "SerializationException"})
    assert raw(sandbox, b"{")[1]["__type"] == "SerializationException"
    assert len(sandbox.violations()) == 2


def test_lone_surrogates_are_refused(sandbox: Sandbox, client: Client) -> None:
    """A message that is no Unicode text refuses the batch."""
    put(client, "first")
    event = {"timestamp": now_ms(), "message": "\ud800"}
    body = json.dumps({"logGroupName": GROUP, "logStreamName": STREAM, "logEvents": [event]}).encode()
    assert raw(sandbox, body)[1]["__type"] == "InvalidParameterException"


def test_unsigned_and_stale_requests_are_refused(sandbox: Sandbox, client: Client) -> None:
    """A request without a signature, or one signed by a clock that is off, gets nowhere."""
    assert raw(sandbox, b"{}", Authorization="")[1]["__type"] == "MissingAuthenticationTokenException"
    sandbox.settings(clock_offset_s=3600)
    with pytest.raises(ClientError, match="Signature expired") as caught:
        put(client, "x")
    assert code_of(caught) == "InvalidSignatureException"


def test_describing_shows_settings_and_pages(client: Client) -> None:
    """Retention, key and times are told; more than a page is reached by tokens."""
    client.create_log_group(logGroupName="/vawsum/test/kept", kmsKeyId="arn:aws:kms:ap-south-1:1:key/x")
    client.put_retention_policy(logGroupName="/vawsum/test/kept", retentionInDays=30)
    groups = client.describe_log_groups(logGroupNamePrefix="/vawsum/test/k")["logGroups"]
    assert [(row["logGroupName"], row["retentionInDays"], row["kmsKeyId"]) for row in groups] == [
        ("/vawsum/test/kept", 30, "arn:aws:kms:ap-south-1:1:key/x")
    ]
    with pytest.raises(ClientError, match="retentionInDays"):
        client.put_retention_policy(logGroupName=GROUP, retentionInDays=2)
    for number in range(60):
        client.create_log_stream(logGroupName=GROUP, logStreamName=f"s{number:02}")
    pages = client.get_paginator("describe_log_streams").paginate(logGroupName=GROUP)
    assert sum(len(page["logStreams"]) for page in pages) == 61
    put(client, "x", at=now_ms() - 1000, stream="s07")
    newest = client.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True, limit=1)
    assert newest["logStreams"][0]["logStreamName"] == "s07"


def read_stream(client: Client, **extra: object) -> tuple[list[str], int]:
    """Read to the end token. Returns the messages and how many empty pages came before the end."""
    messages: list[str] = []
    empty, token = 0, ""
    while True:
        more = {"nextToken": token} if token else {}
        page = client.get_log_events(
            logGroupName=GROUP, logStreamName=STREAM, startFromHead=True, **more, **extra
        )  # fmt: skip
        messages += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token:
            return messages, empty
        empty += not page["events"]
        token = page["nextForwardToken"]


def test_empty_pages_come_while_more_follow(sandbox: Sandbox, client: Client) -> None:
    """A reader that stops at the first empty page misses events; one that reads to the end token doesn't."""
    sandbox.settings(empty_page_rate=0.6, page_limit_count=2)
    wanted = [f"m{number}" for number in range(20)]
    put(client, *wanted)
    messages, empty = read_stream(client)
    assert messages == wanted
    assert empty > 0


def test_fresh_events_show_after_a_delay(sandbox: Sandbox, client: Client) -> None:
    """Right after acceptance GetLogEvents shows nothing, later everything, old stamps last. The books know at once."""
    sandbox.settings(visibility_delay_s=0.4, old_visibility_delay_s=1.2)
    put(client, "old", at=now_ms() - 25 * 3_600_000)
    put(client, "fresh")
    assert read_stream(client)[0] == []
    assert stored(sandbox) == ["old", "fresh"]
    time.sleep(0.5)
    assert read_stream(client)[0] == ["fresh"]
    time.sleep(0.9)
    assert read_stream(client)[0] == ["old", "fresh"]


def test_get_log_events_is_throttled_at_its_quota(sandbox: Sandbox, client: Client) -> None:
    """More than 25 reads a second get ThrottlingException."""
    sandbox.settings(rate_limits_per_s=RATE_LIMITS_PER_S)
    codes = []
    for _ in range(40):
        try:
            client.get_log_events(logGroupName=GROUP, logStreamName=STREAM)
            codes.append("ok")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert set(codes) == {"ok", "ThrottlingException"}
    assert codes.index("ThrottlingException") >= 20


@pytest.mark.parametrize(
    ("kind", "code", "is_stored"),
    [
        ("throttle", "ThrottlingException", False),
        ("unavailable", "ServiceUnavailableException", False),
        ("failure", "InternalFailure", False),
        ("failure_after", "InternalFailure", True),
        ("deny", "AccessDeniedException", False),
    ],
)
def test_refusals_on_demand(sandbox: Sandbox, client: Client, *, kind: str, code: str, is_stored: bool) -> None:
    """Each kind answers with the service's code and stores, or doesn't, as it says; then all is well again."""
    sandbox.fault(kind, operation="PutLogEvents", group="/vawsum/*", count=1)
    with pytest.raises(ClientError) as caught:
        put(client, "x")
    assert code_of(caught) == code
    assert stored(sandbox) == (["x"] if is_stored else [])
    put(client, "y")
    assert sandbox.violations() == []


@pytest.mark.parametrize(("kind", "is_stored"), [("reset", False), ("drop", False), ("reset_after", True)])
@pytest.mark.parametrize("tls", [False, True])
def test_connections_break_before_or_after_accepting(
    sandbox: Sandbox, client: Client, *, kind: str, is_stored: bool, tls: bool
) -> None:
    """To the client all three look alike; only the books tell whether the batch was accepted."""
    client = connect(sandbox, tls=True) if tls else client
    sandbox.fault(kind, operation="PutLogEvents", count=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError, SSLError)):
        put(client, "x" * 500_000)
    assert sandbox.count() == (1 if is_stored else 0)
    assert sandbox.requests()["operations"]["PutLogEvents"] == {kind: 1}
    put(client, "y")


@pytest.mark.parametrize(("kind", "is_stored"), [("hang", False), ("hang_after", True)])
def test_requests_hang_until_the_client_gives_up(
    sandbox: Sandbox, client: Client, *, kind: str, is_stored: bool
) -> None:
    """The connection is accepted and never answered."""
    sandbox.fault(kind, operation="PutLogEvents", count=1)
    with pytest.raises(ReadTimeoutError):
        put(client, "x")
    assert sandbox.count() == (1 if is_stored else 0)


def test_latency_is_added(sandbox: Sandbox, client: Client) -> None:
    """An answer takes at least as long as asked for."""
    sandbox.fault("latency", operation="PutLogEvents", latency_s=0.3)
    begun = time.monotonic()
    put(client, "x")
    assert time.monotonic() - begun >= 0.3


def test_outage_refuses_connections_and_ends(sandbox: Sandbox, client: Client) -> None:
    """Open connections break, new ones are refused, the books stay readable; afterwards the same address answers."""
    put(client, "before")
    sandbox.outage(1)
    with pytest.raises((EndpointConnectionError, ConnectionClosedError)):
        put(client, "during")
    with pytest.raises(EndpointConnectionError):
        put(connect(sandbox), "during")
    assert stored(sandbox) == ["before"]
    time.sleep(1.2)
    put(client, "after")
    assert stored(sandbox) == ["before", "after"]


def test_outage_can_answer_503_and_be_ended_early(sandbox: Sandbox, client: Client) -> None:
    """In 503 mode every request is answered so, until calm is ordered."""
    sandbox.outage(60, mode="503")
    with pytest.raises(ClientError) as caught:
        put(client, "x")
    assert code_of(caught) == "ServiceUnavailableException"
    sandbox.calm()
    put(client, "x")
    sandbox.outage(60)
    sandbox.calm()
    put(client, "x")


def test_poison_refuses_the_batch_but_is_no_violation(sandbox: Sandbox, client: Client) -> None:
    """A batch with a poisonous message is refused as invalid; without it, it goes through."""
    sandbox.fault("poison", operation="PutLogEvents", text="bitter")
    with pytest.raises(ClientError, match="bitter") as caught:
        put(client, "sweet", "very bitter pill")
    assert code_of(caught) == "InvalidParameterException"
    put(client, "sweet")
    assert sandbox.violations() == []


def test_policy_is_enforced(sandbox: Sandbox, client: Client) -> None:
    """Only what the policy names goes through; a permission can be taken away alone."""
    allowed = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": "arn:aws:logs:*:*:log-group:/vawsum/*:*"}
    sandbox.enforce({"Version": "2012-10-17", "Statement": [allowed]})
    try:
        put(client, "x")
        with pytest.raises(ClientError, match="not authorized to perform: logs:GetLogEvents") as caught:
            client.get_log_events(logGroupName=GROUP, logStreamName=STREAM)
        assert code_of(caught) == "AccessDeniedException"
    finally:
        sandbox.enforce(None)
    sandbox.deny("logs:PutLogEvents")
    with pytest.raises(ClientError, match="explicit deny"):
        put(client, "x")


def test_parallel_puts_are_counted(sandbox: Sandbox, client: Client) -> None:
    """The books tell how many puts ran at once on a stream."""
    sandbox.fault("latency", operation="PutLogEvents", latency_s=0.4)
    threads = [threading.Thread(target=put, args=(client, "x")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.requests()["most_at_once"] == {f"{GROUP}:{STREAM}": 3}


def test_mistyped_admin_requests_are_errors(sandbox: Sandbox) -> None:
    """A fault or setting that isn't understood fails the test that asked for it."""
    with pytest.raises(SandboxError, match="unknown kind"):
        sandbox.fault("trottle")
    with pytest.raises(SandboxError, match="unknown setting"):
        sandbox.settings(visibility_delay=3)
    with pytest.raises(SandboxError, match="does not exist"):
        list(sandbox.events("/no", "where"))


@pytest.mark.parametrize("tls", [False, True])
def test_other_services_are_motos(sandbox: Sandbox, *, tls: bool) -> None:
    """Bodies pass through unchanged in both directions, with and without TLS, and faults strike there, too."""
    # moto's server takes its time to come up, and to do the first thing of each service.
    connect(sandbox, "sts", tls=tls, patience_s=60).get_caller_identity()
    ssm = connect(sandbox, "ssm", tls=tls, patience_s=60)
    name, text = f"sandbox-{'tls' if tls else 'plain'}", "ünïcode 🪵\n" * 500
    ssm.put_parameter(Name=name, Value=text, Type="String", Tier="Advanced")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == text
    assert connect(sandbox, "sts", tls=tls).get_caller_identity()["Account"] == "123456789012"
    sandbox.fault("reset_after", operation="ssm:PutParameter", count=1)
    with pytest.raises(HTTPClientError):
        ssm.put_parameter(Name=name, Value="taken", Type="String", Overwrite=True)
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "taken"


def test_metadata_wants_a_token(sandbox: Sandbox) -> None:
    """IMDSv2 only: no token, no answer; with one, the instance is described and can be changed."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.metadata_endpoint).netloc, timeout=5)

    def ask(method: str, path: str, **fields: str) -> tuple[int, str]:
        connection.request(method, path, headers=fields)
        response = connection.getresponse()
        return response.status, response.read().decode()

    assert ask("GET", "/latest/meta-data/instance-id")[0] == 401
    assert ask("PUT", "/latest/api/token")[0] == 400
    life = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    assert ask("PUT", "/latest/api/token", **life, **{"X-Forwarded-For": "10.0.0.1"})[0] == 403
    token = {"X-aws-ec2-metadata-token": ask("PUT", "/latest/api/token", **life)[1]}
    assert ask("GET", "/latest/meta-data/placement/region", **token) == (200, "ap-south-1")
    assert ask("GET", "/latest/meta-data/spot/instance-action", **token)[0] == 404
    sandbox.metadata({"meta-data/spot/instance-action": '{"action": "terminate"}'})
    assert ask("GET", "/latest/meta-data/spot/instance-action", **token)[0] == 200
    sandbox.metadata({"meta-data/spot/instance-action": None})
    role = ask("GET", "/latest/meta-data/iam/security-credentials/", **token)[1]
    credentials = json.loads(ask("GET", f"/latest/meta-data/iam/security-credentials/{role}", **token)[1])
    assert credentials["Code"] == "Success"
    connection.close()
