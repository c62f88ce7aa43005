"""The supported methods of `google.monitoring.v3.MetricService`, and their gRPC handlers."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import grpc
from google.cloud.monitoring_v3 import types
from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty

from infra.local.monitoring import filters, rules
from infra.local.monitoring.pb import INVALID_ARGUMENT, Pb, Status, rpc_status
from infra.local.monitoring.series import Series, Written

NAME = "google.monitoring.v3.MetricService"
_HEADERS = types.ListTimeSeriesRequest.TimeSeriesView.HEADERS


class Service:
    """The methods over the written series."""

    def __init__(self, written: Written, clock: Callable[[], datetime]) -> None:
        self._written = written
        self._clock = clock

    def create_time_series(self, request: Pb, context: grpc.ServicerContext) -> Empty:
        """Write what may be written; refuse the rest in one status."""
        project = _project(request.name, context)
        given = list(request.time_series)
        if not given:
            _invalid(context, "Field timeSeries had an invalid value: must not be empty.")
        if len(given) > rules.SERIES_A_REQUEST:
            _invalid(
                context,
                f"Field timeSeries had an invalid value: at most {rules.SERIES_A_REQUEST} TimeSeries objects can be "
                f"written in a request, got {len(given)}.",
            )
        refused = self._written.write(project, given, self._clock())
        if any(refused):
            context.abort_with_status(rpc_status.to_status(_partly(refused)))
        return Empty()

    def list_time_series(self, request: Pb, context: grpc.ServicerContext) -> Pb:
        """The points that were written in an interval, newest first; neither aligned nor reduced."""
        project = _project(request.name, context)
        terms = _terms(request.filter, context)
        if not any(term.key == "metric.type" and not term.prefix for term in terms):
            _invalid(context, "Field filter had an invalid value: must specify a single metric.type.")
        if not request.interval.HasField("end_time"):
            _invalid(context, "Field interval.end_time had an invalid value: must be set.")
        if request.HasField("aggregation"):
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "aggregation: this server lists points as they were written")

        def look(every: Iterable[Series]) -> list[Pb]:
            own = [series for series in every if series.project == project]
            return [_within(series, request) for series in own if all(term.matches(_fields(series)) for term in terms)]

        matching = [series for series in self._written.read(look) if series.points or request.view == _HEADERS]
        page, token = _page(matching, request, context)
        return types.ListTimeSeriesResponse.pb()(time_series=page, next_page_token=token)

    def list_metric_descriptors(self, request: Pb, context: grpc.ServicerContext) -> Pb:
        """The metrics that were ever written."""
        terms = _terms(request.filter, context)
        known = self._written.descriptors(_project(request.name, context))
        matching = [
            descriptor for descriptor in known if all(term.matches({"metric.type": descriptor.type}) for term in terms)
        ]
        page, token = _page(matching, request, context)
        return types.ListMetricDescriptorsResponse.pb()(metric_descriptors=page, next_page_token=token)

    def get_metric_descriptor(self, request: Pb, context: grpc.ServicerContext) -> Pb:
        """One metric that was written before."""
        known = {
            descriptor.name: descriptor for descriptor in self._written.descriptors(_project(request.name, context))
        }
        if request.name not in known:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find descriptor for metric {request.name!r}.")
        return known[request.name]


def handlers(service: Service) -> grpc.GenericRpcHandler:
    """The service as a gRPC server takes it; every other method is UNIMPLEMENTED."""

    def method(call: Callable[[Any, Any], Any], request: Any) -> "grpc.RpcMethodHandler[Any, Any]":  # noqa: ANN401 - raw protobuf
        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=request.pb().FromString, response_serializer=lambda pb: pb.SerializeToString()
        )

    return grpc.method_handlers_generic_handler(
        NAME,
        {
            "CreateTimeSeries": method(service.create_time_series, types.CreateTimeSeriesRequest),
            "ListTimeSeries": method(service.list_time_series, types.ListTimeSeriesRequest),
            "ListMetricDescriptors": method(service.list_metric_descriptors, types.ListMetricDescriptorsRequest),
            "GetMetricDescriptor": method(service.get_metric_descriptor, types.GetMetricDescriptorRequest),
        },
    )


def _invalid(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)


def _project(name: str, context: grpc.ServicerContext) -> str:
    parts = name.split("/")
    if parts[0] != "projects" or len(parts) == 1 or not parts[1]:
        _invalid(context, f"Field name had an invalid value of {name!r}: must be projects/[PROJECT_ID].")
    return parts[1]


def _partly(refused: list[str]) -> Status:
    """The status of a request that was written in part, with the summary that the API attaches."""
    summary = types.CreateTimeSeriesSummary.pb()(
        total_point_count=len(refused), success_point_count=sum(not why for why in refused)
    )
    summary.errors.add(status=Status(code=INVALID_ARGUMENT), point_count=sum(map(bool, refused)))
    detail = any_pb2.Any()
    detail.Pack(summary)
    reasons = "; ".join(f"timeSeries[{index}]: {why}" for index, why in enumerate(refused) if why)
    return Status(
        code=INVALID_ARGUMENT,
        message=f"One or more TimeSeries could not be written: {reasons}",
        details=[detail],
    )


def _terms(text: str, context: grpc.ServicerContext) -> tuple[filters.Term, ...]:
    try:
        return filters.parse(text)
    except ValueError as error:
        _invalid(context, f"Field filter had an invalid value: {error}")


def _fields(series: Series) -> dict[str, str]:
    fields = {"metric.type": series.pb.metric.type}
    fields |= {f"metric.labels.{key}": value for key, value in series.pb.metric.labels.items()}
    return fields | {f"resource.labels.{key}": value for key, value in series.pb.resource.labels.items()}


def _within(series: Series, request: Pb) -> Pb:
    """The series with its points of the interval (start, end], newest first."""
    end = request.interval.end_time.ToDatetime(tzinfo=UTC)
    start = request.interval.start_time.ToDatetime(tzinfo=UTC) if request.interval.HasField("start_time") else end
    answer = type(series.pb)()
    answer.CopyFrom(series.pb)
    if request.view != _HEADERS:
        answer.points.extend(_newest_first(series, start, end))
    return answer


def _newest_first(series: Series, start: datetime, end: datetime) -> Iterator[Pb]:
    for point in reversed(tuple(series.points)):
        at = rules.interval(point).end
        if start < at <= end or start == at == end:
            yield point


def _page(matching: list[Any], request: Pb, context: grpc.ServicerContext) -> tuple[list[Any], str]:
    if request.page_token and not request.page_token.isdigit():
        _invalid(context, f"Field pageToken had an invalid value of {request.page_token!r}.")
    first = int(request.page_token or 0)
    after = first + (request.page_size or len(matching))
    return matching[first:after], str(after) if after < len(matching) else ""
