"""Lists of jobs: filters, order, pages and masks, as far as the API documents them and this system uses them."""

import re
from collections.abc import Iterable

from google.cloud.aiplatform_v1.types import (
    ListPipelineJobsRequest,
    ListPipelineJobsResponse,
    PipelineJob,
    PipelineState,
)
from google.protobuf.field_mask_pb2 import FieldMask

from infra.local.vertex.refusal import invalid

_LARGEST_PAGE = 100
_TERM = re.compile(r'(?P<field>display_name|state|labels\.[a-z0-9_-]+)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"')
_ORDERS = {"": True, "create_time desc": True, "create_time": False, "create_time asc": False}


def listed(jobs: Iterable[PipelineJob], request: ListPipelineJobsRequest) -> ListPipelineJobsResponse:
    """The page of jobs that a request asks for.

    Raises:
        RefusalError: the filter, the order, the token or the mask is none.
    """
    if request.order_by not in _ORDERS:
        raise invalid(f"order_by: must be create_time or create_time desc, got {request.order_by!r}")
    found = [job for job in jobs if job.name.startswith(f"{request.parent}/")]
    for field, value in _terms(request.filter):
        found = [job for job in found if _value(job, field) == value]
    found.sort(key=lambda job: PipelineJob.pb(job).create_time.ToNanoseconds(), reverse=_ORDERS[request.order_by])
    first, size = _first(request.page_token), min(request.page_size or _LARGEST_PAGE, _LARGEST_PAGE)
    more = str(first + size) if first + size < len(found) else ""
    page = [_shown(job, list(request.read_mask.paths)) for job in found[first : first + size]]
    return ListPipelineJobsResponse(pipeline_jobs=page, next_page_token=more)


def _first(token: str) -> int:
    if token and not token.isdigit():
        raise invalid(f"page_token: must be one of an earlier answer, got {token!r}")
    return int(token or 0)


def _terms(text: str) -> list[tuple[str, str]]:
    terms = []
    for part in text.split(" AND ") if text else ():
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise invalid(f"filter: must be equalities of display_name, state or labels joined by AND, got {part!r}")
        terms.append((match["field"], re.sub(r"\\(.)", r"\1", match["value"])))
    return terms


def _value(job: PipelineJob, field: str) -> str:
    if field == "state":
        return str(PipelineState(job.state).name)
    if field == "display_name":
        return str(job.display_name)
    return str(job.labels.get(field.removeprefix("labels."), ""))


def _shown(job: PipelineJob, paths: list[str]) -> PipelineJob:
    """The fields of a mask; without one all but the details, which lists do not have."""
    unknown = sorted({path.partition(".")[0] for path in paths} - set(PipelineJob.meta.fields))
    if unknown:
        raise invalid(f"read_mask: must name fields of PipelineJob, got {unknown}")
    shown = PipelineJob()
    wanted = paths or [name for name in PipelineJob.meta.fields if name != "job_detail"]
    FieldMask(paths=wanted).MergeMessage(PipelineJob.pb(job), PipelineJob.pb(shown))
    return shown
