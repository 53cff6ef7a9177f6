"""The operations of CloudWatch metrics that the front carries out itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.aws.answers import ServiceError
from sandbox.aws.dialects import QueryCompatibleJson
from sandbox.aws.front_service import Subject, text_of
from sandbox.aws.metric_queries import read_filter, read_statistics_query
from sandbox.aws.metric_rules import REQUEST_LIMIT_BYTES, check_put
from sandbox.aws.metric_statistics import datapoints

if TYPE_CHECKING:
    from sandbox.aws.books import Books
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.metric_store import MetricKey, MetricStore
    from sandbox.aws.settings import Settings

PAGE_LIMIT_COUNT = 500
_CODES = {
    "InternalFailure": ("InternalServiceError", 500),
    "InvalidParameterException": ("InvalidParameterValue", 400),
    "UnknownOperationException": ("UnknownOperationException", 400),
    "SerializationException": ("SerializationException", 400),
}
_TYPES = {
    "AccessDenied": "AccessDeniedException",
    "InternalServiceError": "InternalServiceFault",
    "InvalidParameterCombination": "InvalidParameterCombinationException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
    "ServiceUnavailable": "ServiceUnavailableException",
    "Throttling": "ThrottlingException",
}


class MetricsService:
    """CloudWatch metrics over a `MetricStore`."""

    name = "cloudwatch"
    is_complete = True

    def __init__(self, store: MetricStore, settings: Settings, books: Books) -> None:
        self._store = store
        self._settings = settings
        self._books = books
        self.dialect = QueryCompatibleJson(_CODES, _TYPES, REQUEST_LIMIT_BYTES)
        self.operations: dict[str, Operation] = {
            "PutMetricData": self._put_metric_data,
            "GetMetricStatistics": self._get_metric_statistics,
            "ListMetrics": self._list_metrics,
        }

    def subject(self, operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: a namespace, and for `poison` the names and dimensions in it."""
        namespace = text_of(params, "Namespace")
        if operation != "PutMetricData":
            return Subject(target=namespace, group=namespace)
        return Subject(
            target=namespace,
            group=namespace,
            context={"cloudwatch:namespace": namespace},
            lane=f"metrics:{namespace}",
            texts=tuple(_texts(params.get("MetricData"))),
        )

    def _put_metric_data(self, params: Parameters, request_id: str, _region: str) -> dict[str, Any]:
        slack_ms = int(self._settings.signature_window_s * 1000)
        data = check_put(params, self._settings.now_ms(), slack_ms)
        self._store.put(data, request_id)
        samples = sum(datum.sample_count for _, datum in data)
        self._books.add(metric_data_accepted=len(data), metric_samples_accepted=round(samples))
        return {}

    def _get_metric_statistics(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        query = read_statistics_query(params)
        points = datapoints(
            (one.datum for one in self._store.data(query.key) if query.unit in {"", one.datum.unit}),
            start_ms=query.start_ms,
            end_ms=query.end_ms,
            period_ms=query.period_ms,
            statistics=query.statistics,
            percentiles=query.percentiles,
        )
        return {"Label": query.key.name, "Datapoints": points}

    def _list_metrics(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        wanted = read_filter(params)
        found = [key for key in self._store.metrics() if wanted.covers(key)]
        start = _start_of_page(text_of(params, "NextToken"), len(found))
        end = start + PAGE_LIMIT_COUNT
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {"Metrics": [_describe(key) for key in found[start:end]], **more}


def _start_of_page(token: str, count: int) -> int:
    if not token:
        return 0
    if not token.isascii() or not token.isdigit() or int(token) > count:
        raise ServiceError("InvalidNextToken", "The NextToken is invalid.", is_violation=True)
    return int(token)


def _describe(key: MetricKey) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in key.dimensions]
    return {"Namespace": key.namespace, "MetricName": key.name, "Dimensions": dimensions}


def _texts(data: object) -> list[str]:
    found: list[object] = []
    for datum in data if isinstance(data, list) else ():
        if isinstance(datum, dict):
            found.append(datum.get("MetricName"))
            dimensions = datum.get("Dimensions")
            pairs = dimensions if isinstance(dimensions, list) else ()
            found += [one.get(key) for one in pairs if isinstance(one, dict) for key in ("Name", "Value")]
    return [text for text in found if isinstance(text, str)]
