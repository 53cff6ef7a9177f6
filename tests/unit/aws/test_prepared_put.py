"""Objects that go the short way: the same requests as botocore's, whatever they are called; the same errors."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.aws.bucket import Answer, error, serving, session_with
from vawsum_agent.aws.new_object import NewObject, condition
from vawsum_agent.aws.objects import Conflict, ObjectExists, ObjectStore
from vawsum_agent.aws.prepared_put import Form, PreparedPut
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.aws.sigv4 import Scope
from vawsum_agent.core.errors import AccessDenied, NotFound, Throttled, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.awsrequest import AWSPreparedRequest

    from vawsum_agent.aws.session import AwsSession

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
ENDPOINTS = {
    "bucket in the name": ("vawsum-images", "", "https://vawsum-images.s3.ap-south-1.amazonaws.com/"),
    "bucket in the path": ("vawsum.images", "", "https://s3.ap-south-1.amazonaws.com/vawsum.images/"),
    "path style": (
        "vawsum-images",
        "s3 =\n  addressing_style = path",
        "https://s3.ap-south-1.amazonaws.com/vawsum-images/",
    ),
    "dual stack": (
        "vawsum-images",
        "use_dualstack_endpoint = true",
        "https://vawsum-images.s3.dualstack.ap-south-1.amazonaws.com/",
    ),
    "own address": ("vawsum-images", "endpoint_url = http://127.0.0.1:9000", "http://127.0.0.1:9000/vawsum-images/"),
    "own name": (
        "vawsum-images",
        "endpoint_url = https://s3.example.org:9000\ns3 =\n  addressing_style = virtual",
        "https://vawsum-images.s3.example.org:9000/",
    ),
}


def an_object(key: str = "uploads/a.jpg", body: bytes = b"picture", **changes: str) -> NewObject:
    """Describe an object."""
    about = {"content_type": "image/jpeg", "cache_control": "public, max-age=86400", "kms_key_id": "", "origin": "o"}
    return NewObject(key, hashlib.sha256(body).digest(), **(about | changes))


class Recorder:
    """Answers for S3 before anything is sent, and keeps the requests."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - botocore's
        self.requests: list[AWSPreparedRequest] = []
        client.meta.events.register("before-send.s3.PutObject", self._record)

    def _record(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.requests.append(request)
        return AWSResponse(request.url, 200, {"ETag": '"e"'}, Empty())


class Empty:
    """A body without bytes, as far as botocore looks."""

    def stream(self, **_: object) -> list[bytes]:
        """Give none."""
        return []


def fields_of(request: AWSPreparedRequest) -> dict[str, str]:
    """Give a request's headers as text, by their names in lower case."""
    return {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }


@pytest.mark.parametrize("token", [None, "session/token+with=="])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_form_of_the_url_is_learnt(tmp_path: Path, name: str, token: str | None) -> None:
    """Wherever botocore puts the bucket, whatever the endpoint: the short way is taken, with the same URL."""
    bucket, configuration, base = ENDPOINTS[name]
    session = session_with(tmp_path, configuration, token)
    client = s3_client(session)
    put = PreparedPut(session, client, bucket)
    recorder = Recorder(client)
    put.send(an_object("uploads/ä b.jpg"), b"picture", "")
    assert put.is_prepared
    assert recorder.requests[0].url == f"{base}uploads/%C3%A4%20b.jpg"


class Signing:
    """botocore's whole way and ours, for the same object. Made once: a client takes its time."""

    def __init__(self, session: AwsSession) -> None:
        self.session = session
        self.client = s3_client(session)
        self.recorder = Recorder(self.client)

    def theirs(self, new: NewObject, body: bytes, if_match: str) -> AWSPreparedRequest:
        """Give botocore's request."""
        self.client.put_object(
            Bucket="vawsum-images",
            Body=body,
            ChecksumSHA256=new.checksum,
            **new.arguments(),
            **condition(if_match),
        )
        return self.recorder.requests.pop()


@pytest.fixture(scope="module", params=[None, "session/token+with=="])
def signing(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Signing:
    """Make the ways, with and without a session token."""
    return Signing(session_with(tmp_path_factory.mktemp("signing"), "", request.param))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(KEYS, PRINTABLE, PRINTABLE, PRINTABLE, st.sampled_from(["", '"0123456789abcdef-2"']), st.binary(max_size=50))
@example("uploads/a b+c%20%2F#?&=~ü😀'()*!.jpg", "no-cache", "alias/pictures", "origin", "", b"x")
@example("a//b/../c/./d", "", "", "o", "", b"")
def test_any_object_is_signed_as_botocore_signs_it(
    signing: Signing, key: str, cache_control: str, kms_key_id: str, origin: str, if_match: str, body: bytes
) -> None:
    """Any key, header, metadata and condition: URL, signature and every header that is signed are botocore's."""
    new = an_object(key, body, cache_control=cache_control, kms_key_id=kms_key_id, origin=origin)
    theirs = signing.theirs(new, body, if_match)
    expected = fields_of(theirs)
    credentials = signing.session.credentials()
    assert credentials is not None
    form = Form("https://vawsum-images.s3.ap-south-1.amazonaws.com/", Scope("ap-south-1", "s3"), {})
    url, ours = form.request(new, if_match, credentials, expected["x-amz-date"])
    assert url == theirs.url
    assert ours["authorization"] == expected["authorization"]
    assert ours.items() <= expected.items()
    assert ours["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()


def test_a_request_that_is_not_understood_is_never_taken_over(tmp_path: Path) -> None:
    """Something signs what we don't know of: everything goes botocore's way, which still works."""
    session = session_with(tmp_path)
    client = s3_client(session)
    put = PreparedPut(session, client, "vawsum-images")
    Recorder(client)
    client.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: params["headers"].update({"X-New": "1"})
    )
    for _ in range(2):
        assert put.send(an_object(), b"picture", "").etag == '"e"'
    assert not put.is_prepared


@pytest.mark.parametrize("token", [None, "session-token"])
def test_later_requests_are_like_the_first(tmp_path: Path, token: str | None) -> None:
    """On the wire: same path, body and headers; what belongs to one call is new or left out."""
    with serving(tmp_path, Answer(), Answer(), token=token) as (service, session):
        store = ObjectStore(session, "vawsum-images")
        for _ in range(2):
            assert store.put(an_object("uploads/ä b+.jpg"), b"picture") == '"e"'
    first, second = service.requests
    assert (first[0], first[2]) == (second[0], second[2]) == ("/vawsum-images/uploads/%C3%A4%20b%2B.jpg", b"picture")
    of_one_call = {
        "accept-encoding",
        "authorization",
        "x-amz-date",
        "expect",
        "amz-sdk-request",
        "amz-sdk-invocation-id",
    }
    assert {name: value for name, value in first[1].items() if name not in of_one_call} == {
        name: value for name, value in second[1].items() if name not in of_one_call
    }
    signed = [re.sub(r"Signature=.*", "", headers["authorization"]) for _, headers, _ in service.requests]
    assert signed[0] == signed[1]
    assert not {"amz-sdk-invocation-id", "accept-encoding"} & second[1].keys()  # http.client would have sent the latter


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(412, "PreconditionFailed"), ObjectExists),
        (error(409, "ConditionalRequestConflict"), Conflict),
        (error(503, "SlowDown"), Throttled),
        (error(404, "NoSuchBucket"), NotFound),
        (error(301, "PermanentRedirect"), NotFound),
        (error(403, "RequestTimeTooSkewed"), AccessDenied),
        (error(400, "KMS.DisabledException"), AccessDenied),
        (Answer(503, b"<html>Service Unavailable</html>"), Unavailable),
        (Answer(checksum=""), Unavailable),
        (Answer(checksum="AAAA"), Unavailable),
        (Answer(headers={}), Unavailable),
    ],
)
def test_errors_are_the_same_on_both_ways(tmp_path: Path, answer: Answer, expected: type[Exception]) -> None:
    """The first call and a later one raise the same error with the same text; an unconfirmed checksum is one."""
    with serving(tmp_path, answer, Answer(), answer) as (service, session):
        first_store, later_store = (ObjectStore(session, "vawsum-images") for _ in range(2))
        with pytest.raises(expected) as first:
            first_store.put(an_object(), b"picture")
        later_store.put(an_object(), b"picture")
        assert later_store.is_prepared
        with pytest.raises(expected) as later:
            later_store.put(an_object(), b"picture")
        assert len(service.requests) == 3  # nothing was tried again, and no other region
    assert str(first.value) == str(later.value)


def test_the_condition_is_sent(tmp_path: Path) -> None:
    """On both ways: no object may be there, or exactly the one that is named."""
    with serving(tmp_path, *[Answer()] * 4) as (service, session):
        for if_match in ("", '"etag"'):
            store = ObjectStore(session, "vawsum-images")
            for _ in range(2):
                store.put(an_object(), b"picture", if_match=if_match)
    conditions = [(fields.get("if-none-match"), fields.get("if-match")) for _, fields, _ in service.requests]
    assert conditions == [("*", None)] * 2 + [(None, '"etag"')] * 2
