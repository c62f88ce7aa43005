"""Real requests to generative services: clean halves do not alarm, doubled times and failures are found and named."""

import numpy as np
import pytest

from tests.benchmarks.generative.run import failing, named, slower
from tests.support.builders import genai_trace, public_data
from tests.support.builders.budget import ALL
from tests.support.builders.generation_windows import Judged, halves, taken

PATH, STAGES = public_data.found(genai_trace.REQUESTS), public_data.found(genai_trace.STAGES)
NOT_SHIPPED = "the licence of the trace lets nobody ship it"
WINDOWS, SIZE = 100 if ALL else 20, 2000


@pytest.mark.skipif(PATH is None, reason=NOT_SHIPPED)
def test_clean_halves_stay_quiet_and_changes_are_named() -> None:
    assert PATH is not None
    rng = np.random.default_rng(3)
    reference, rest = halves(genai_trace.requests(PATH), rng)
    judged = Judged(genai_trace.LOG, reference)
    alarms, doubled, failed = 0, 0, 0
    for _ in range(WINDOWS):
        window = taken(rest, np.sort(rng.choice(rest["second_"].size, SIZE, replace=False)))
        alarms += bool(judged.alarms(window))
        doubled += named(judged.alarms(slower(window, "exec_time_seconds")), "Total time, 95th percentile", "")
        failed += named(judged.alarms(failing(window, rng)), "Error ratio", "failed_")
    assert alarms <= WINDOWS / 100
    assert doubled == WINDOWS
    assert failed >= 0.98 * WINDOWS


@pytest.mark.skipif(STAGES is None, reason=NOT_SHIPPED)
def test_times_in_the_queue_stay_quiet_and_doubled_ones_are_named() -> None:
    assert STAGES is not None
    rng = np.random.default_rng(3)
    reference, rest = halves(genai_trace.stage(STAGES, "queue_rt_raw_anon"), rng)
    judged = Judged(genai_trace.QUEUE, reference, window=3_600.0)
    alarms, doubled = 0, 0
    for _ in range(WINDOWS):
        window = taken(rest, np.sort(rng.choice(rest["second_"].size, SIZE, replace=False)))
        alarms += bool(judged.alarms(window))
        doubled += named(judged.alarms(slower(window, "seconds")), "Total time, 95th percentile", "seconds")
    assert alarms <= WINDOWS / 20
    assert doubled == WINDOWS
