"""PutMetricData refuses what CloudWatch refuses, names every datum at fault, and takes all else as it is."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError
from sandbox.aws.metric_rules import (
    DATA_LIMIT_COUNT,
    DIMENSION_VALUE_LIMIT,
    DIMENSIONS_LIMIT_COUNT,
    NAME_LIMIT,
    TOO_NEW_MS,
    TOO_OLD_MS,
    UNITS,
    check_put,
)
from sandbox.aws.metric_store import MetricDatum, MetricKey, Statistics
from sandbox.aws.metric_values import LARGEST, SMALLEST, VALUES_LIMIT_COUNT

NOW = 1_700_000_000_000
SLACK = 300_000
INVALID, MISSING = "InvalidParameterException", "MissingParameter"
COMBINATION, UNREADABLE = "InvalidParameterCombination", "SerializationException"
SET = {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}


def datum(**parts: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value, right or wrong
    """Return a correct datum with some of its parts replaced; None takes one away."""
    whole = {"MetricName": "m", "Value": 1.0, **parts}
    return {key: value for key, value in whole.items() if value is not None}


def pair(name: object = "InstanceId", value: object = "i-1") -> dict[str, object]:
    """Return a dimension."""
    return {"Name": name, "Value": value}


def put(*data: object, namespace: object = "CWAgent", **more: object) -> list[tuple[MetricKey, MetricDatum]]:
    """Check a request."""
    return check_put({"Namespace": namespace, "MetricData": list(data), **more}, NOW, SLACK)


def refusal(*data: object, **more: object) -> ServiceError:
    """Return the error that refuses a request."""
    with pytest.raises(ServiceError) as caught:
        put(*data, **more)
    return caught.value


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        (datum(MetricName=None), MISSING, "The parameter MetricData.member.1.MetricName is required."),
        (datum(MetricName=""), MISSING, "MetricName is required"),
        (datum(MetricName="x" * (NAME_LIMIT + 1)), INVALID, "shorter than 256"),
        (datum(MetricName="ü"), INVALID, "only ASCII"),
        (datum(MetricName=7), UNREADABLE, "MetricName"),
        (datum(Dimensions=[pair(str(n)) for n in range(DIMENSIONS_LIMIT_COUNT + 1)]), INVALID, "size greater than 30"),
        (datum(Dimensions=[pair(name=None)]), MISSING, "Dimensions.member.1.Name is required"),
        (datum(Dimensions=[pair("a"), pair(value="")]), MISSING, "Dimensions.member.2.Value is required"),
        (datum(Dimensions=[pair("x" * (NAME_LIMIT + 1))]), INVALID, "shorter than 256"),
        (datum(Dimensions=[pair(value="x" * (DIMENSION_VALUE_LIMIT + 1))]), INVALID, "shorter than 1025"),
        (datum(Dimensions=[pair(value="  ")]), INVALID, "blanks"),
        (datum(Dimensions=[pair(value="naïve")]), INVALID, "only ASCII"),
        (datum(Dimensions=[pair(value="a\nb")]), INVALID, "none of control"),
        (datum(Dimensions=[pair(":x")]), INVALID, "The value :x for parameter"),
        (datum(Dimensions=[pair("a", "1"), pair("a", "2")]), INVALID, "the same dimension name twice"),
        (datum(Dimensions={"InstanceId": "i-1"}), UNREADABLE, "Dimensions"),
        (datum(Unit="bytes"), INVALID, "MetricData.member.1.Unit must be a value in the set [ Seconds, "),
        (datum(StorageResolution=10), INVALID, "must be a value in the set [ 1, 60 ]"),
        (datum(Timestamp="yesterday"), UNREADABLE, "Timestamp"),
        (datum(Timestamp=True), UNREADABLE, "Timestamp"),
        (datum(Timestamp=float("inf")), UNREADABLE, "Timestamp"),
        (datum(Timestamp=NOW), INVALID, "no more than two hours in the future"),
        ("text", UNREADABLE, "MetricData.member.1"),
    ],
)
def test_a_bad_part_refuses_the_request(wrong: object, code: str, part: str) -> None:
    """Names, dimensions, units, resolution and times are held to the reference; a correct client never fails them."""
    error = refusal(wrong)
    assert error.code == code
    assert part in error.message
    assert error.is_violation


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        ({"Value": None}, COMBINATION, "At least one of the parameters MetricData.member.1.Value and "),
        ({"Values": [1]}, COMBINATION, "Value and MetricData.member.1.Values are mutually exclusive"),
        ({"StatisticValues": SET}, COMBINATION, "mutually exclusive"),
        ({"Counts": [1]}, COMBINATION, "Counts must not be specified without"),
        ({"Value": "NaN"}, INVALID, "The value NaN for parameter MetricData.member.1.Value is invalid."),
        ({"Value": "-Infinity"}, INVALID, "-Infinity"),
        ({"Value": float("nan")}, INVALID, "nan"),
        ({"Value": 10**400}, INVALID, "is invalid"),
        ({"Value": -LARGEST * 1.001}, INVALID, "is invalid"),
        ({"Value": SMALLEST * 0.999}, INVALID, "is invalid"),
        ({"Value": "1"}, UNREADABLE, "Value"),
        ({"Value": True}, UNREADABLE, "Value"),
        ({"Value": None, "Values": []}, MISSING, "Values is required"),
        ({"Value": None, "Values": 1}, UNREADABLE, "Values"),
        ({"Value": None, "Values": [1] * (VALUES_LIMIT_COUNT + 1)}, INVALID, "size greater than 150"),
        ({"Value": None, "Values": [1, "NaN"]}, INVALID, "Values.member.2"),
        ({"Value": None, "Values": [1, 2], "Counts": [1]}, COMBINATION, "must have the same size"),
        ({"Value": None, "Values": [1], "Counts": [0]}, INVALID, "The value 0.0 for parameter"),
        ({"Value": None, "Values": [1], "Counts": [-1]}, INVALID, "Counts.member.1"),
        ({"Value": None, "StatisticValues": {**SET, "Sum": None}}, MISSING, "StatisticValues.Sum is required"),
        ({"Value": None, "StatisticValues": {**SET, "SampleCount": 0}}, INVALID, "SampleCount"),
        ({"Value": None, "StatisticValues": {**SET, "Minimum": 3}}, COMBINATION, "Minimum must not be greater"),
        ({"Value": None, "StatisticValues": 1}, UNREADABLE, "StatisticValues"),
    ],
)
def test_a_bad_value_refuses_the_request(wrong: dict[str, Any], code: str, part: str) -> None:
    """A datum has one value, or up to 150 with as many counts, or a statistic set; numbers are finite and bounded."""
    error = refusal(datum(**wrong))
    assert error.code == code
    assert part in error.message
    assert error.is_violation


@pytest.mark.parametrize(
    ("namespace", "code"),
    [(None, MISSING), ("", MISSING), (":x", INVALID), ("AWS/EC2", INVALID), ("x" * 256, INVALID), ("ü", INVALID)],
)
def test_namespaces_of_others_are_refused(namespace: object, code: str) -> None:
    """A namespace is 1 to 255 of ASCII, begins with no colon, and is none of AWS's own."""
    assert refusal(datum(), namespace=namespace).code == code


def test_a_request_holds_one_to_a_thousand_data() -> None:
    """1,000 data are taken, one more is refused, and so is none."""
    assert len(put(*[datum()] * DATA_LIMIT_COUNT)) == DATA_LIMIT_COUNT
    assert "The collection MetricData must not have a size greater than 1000." in str(
        refusal(*[datum()] * (DATA_LIMIT_COUNT + 1))
    )
    assert refusal().code == MISSING
    assert "does not know EntityMetricData" in str(refusal(datum(), EntityMetricData=[]))


def test_all_data_at_fault_are_named() -> None:
    """The message has a line for each, so that a client can leave those out and send the rest."""
    message = refusal(datum(Value="NaN"), datum(), datum(Value="NaN"), datum(Unit="x")).message
    assert [line.split(" ", 5)[5][:20] for line in message.splitlines()[:2]] == [
        "MetricData.member.1.",
        "MetricData.member.3.",
    ]
    assert message.splitlines()[2].startswith("The parameter MetricData.member.4.Unit")


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("beyond_ms", "is_refused", "is_violation"), [
    (0, False, False), (1, True, False), (SLACK, True, False), (SLACK + 1, True, True),
])  # fmt: skip
def test_times_out_of_the_window_refuse_the_request(
    sign: int, beyond_ms: int, *, is_refused: bool, is_violation: bool
) -> None:
    """Two weeks back to two hours ahead; out by less than clocks may differ is refused, but nobody could know."""
    edge = -TOO_OLD_MS if sign < 0 else TOO_NEW_MS
    late = datum(Timestamp=(NOW + edge + sign * beyond_ms) / 1000)
    if not is_refused:
        assert len(put(late)) == 1
        return
    error = refusal(datum(), late)
    assert "MetricData.member.2.Timestamp must specify a time" in error.message
    assert error.is_violation == is_violation


def test_a_known_fault_beside_an_unknowable_one_is_a_violation() -> None:
    """A time just out of the window excuses nothing else in the request."""
    late = datum(Timestamp=(NOW - TOO_OLD_MS - 1) / 1000)
    assert refusal(late, datum(Value="NaN")).is_violation


def test_data_are_kept_as_sent() -> None:
    """Dimensions are sorted, since their order is no part of a metric; times may be numbers or ISO 8601."""
    taken = put(
        datum(Dimensions=[pair("b", "2"), pair("a", "1")], Unit="Percent", Timestamp=NOW / 1000 - 0.5),
        datum(Value=None, Values=[1, 2.5], Counts=[3, 1], Timestamp="2023-11-14T22:13:20Z", StorageResolution=1),
        datum(Value=None, Values=[4], Dimensions=[]),
        datum(Value=None, StatisticValues=SET),
    )
    assert [key for key, _ in taken[:2]] == [
        MetricKey("CWAgent", "m", (("a", "1"), ("b", "2"))),
        MetricKey("CWAgent", "m", ()),
    ]
    assert [one for _, one in taken] == [
        MetricDatum(NOW - 500, (1.0,), (1.0,), None, "Percent", 60),
        MetricDatum(NOW, (1.0, 2.5), (3.0, 1.0), None, "None", 1),
        MetricDatum(NOW, (4.0,), (1.0,), None, "None", 60),
        MetricDatum(NOW, (), (), Statistics(2, 3, 1, 2), "None", 60),
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "MetricName": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255),
                "Unit": st.sampled_from(UNITS),
                "Timestamp": st.integers(NOW - TOO_OLD_MS, NOW + TOO_NEW_MS).map(lambda ms: ms / 1000),
                "Values": st.lists(
                    st.floats(-LARGEST, LARGEST).filter(lambda v: v == 0 or abs(v) >= SMALLEST), min_size=1, max_size=9
                ),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_within_the_rules_is_taken(data: list[dict[str, Any]]) -> None:
    """Correct requests are never refused, and every value and time comes out as it went in."""
    taken = put(*data)
    assert [list(one.values) for _, one in taken] == [datum["Values"] for datum in data]
    assert [one.timestamp_ms for _, one in taken] == [round(datum["Timestamp"] * 1000) for datum in data]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
                        ["MetricName", "Value", "Values", "Counts", "Dimensions", "Name", "StatisticValues", "Sum",
                         "Timestamp", "Unit", "StorageResolution"]), inner)))  # fmt: skip
def test_whatever_comes_is_answered(anything: object) -> None:
    """No JSON value makes the rules fail in a way that isn't an answer of the service."""
    with contextlib.suppress(ServiceError):
        check_put({"Namespace": "x", "MetricData": anything}, NOW, SLACK)
    with contextlib.suppress(ServiceError):
        check_put({"Namespace": anything, "MetricData": [anything]}, NOW, SLACK)
