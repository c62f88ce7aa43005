"""Real requests to a service that makes images of texts: Alibaba's traces of 2024 and 2026, which are beside the project.

They have status, duration and the settings of each request, and the time in the queue; no text, no tokens. Their licence asks for
citation and lets nobody ship them: https://github.com/alibaba/clusterdata, cluster-trace-v2026-GenAI.
"""

import csv
import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.settings import Generation

Columns = Mapping[str, NDArray[Any]]
REQUESTS, STAGES = "alibaba_genai_lora_requests.csv.gz", "alibaba_gentd26_stage_metrics.tar"
LOG = Generation(status="predict_status", succeeded=("SUCCEED",), total="exec_time_seconds")
QUEUE = Generation(total="seconds")


def requests(path: Path) -> Columns:
    """The 26,823 requests of 24 days, in time: those that have ended, with `failed_` as the settings compute it."""
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    ended = sorted(
        (row for row in rows if row["predict_status"] in {"SUCCEED", "FAILED"}), key=lambda row: row["gmt_create"]
    )
    numbers = ("exec_time_seconds", "prompt_length", "num_inference_steps", "num_images_per_prompt", "num_lora")
    columns = {name: np.array([float(row[name] or "nan") for row in ended]) for name in numbers}
    columns |= {name: np.array([row[name] for row in ended], object) for name in ("predict_status", "predict_type")}
    columns["failed_"] = np.where(columns["predict_status"] == "SUCCEED", "false", "true").astype(object)
    created = np.array([row["gmt_create"] for row in ended], dtype="datetime64[s]")
    return columns | {"second_": created.astype(np.int64).astype(float)}


def stage(path: Path, name: str) -> Columns:
    """The times of one stage over 22 hours, in seconds: `pipeline_inference_data_anon`, or `queue_rt_raw_anon`, the time in the queue."""
    with tarfile.open(path) as outer:
        packed = outer.extractfile(f"gentd26/{name}.tar.gz")
        assert packed is not None
        with tarfile.open(fileobj=packed) as inner:
            [member] = [one for one in inner.getmembers() if one.name == f"{name}.csv"]
            text = inner.extractfile(member)
            assert text is not None
            rows = list(csv.DictReader(io.TextIOWrapper(text)))
    values = np.array([float(row["value"]) / 1000 for row in rows])
    return {"seconds": values, "second_": np.array([float(row["timestamp_anon"]) for row in rows])}
