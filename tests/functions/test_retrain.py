"""The function retrain by push requests, against a server of Vertex AI's API: once a request, never two of a model."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.retraining.start import CLAIM
from functions.retrain.trainer import COLLECTION
from tests.support.crash.breaking import KilledError
from tests.support.servers.vertex import BORN, CANCELLING, RUNNING, SUCCEEDED, VertexPipelines

if TYPE_CHECKING:
    from flask.testing import FlaskClient
from tests.support.fakes.retraining import (
    HOUR,
    JOB,
    LATER,
    MODEL,
    PIPELINE,
    POLICY,
    REQUEST,
    Deployed,
    Outside,
    new_deployed,
    new_server,
)

pytest_plugins = ["tests.support.servers.framework"]
server = pytest.fixture(new_server)
deployed = pytest.fixture(new_deployed)


def test_a_training_is_created_as_the_request_and_the_settings_say(deployed: Deployed) -> None:
    assert deployed.give(REQUEST) == 204
    [job] = deployed.server.jobs.values()
    assert (job.name, job.display_name, job.template_uri) == (JOB, "train-delay", PIPELINE.template)
    assert job.service_account == "trainer@p.iam.gserviceaccount.com"
    assert dict(job.labels) == {
        "aia-model": "delay",
        "aia-request": JOB.rpartition("-")[2],
        "pipeline": "train-delay",
    }
    assert job.runtime_config.gcs_output_directory == "gs://trainings/delay"
    values = type(job).to_dict(job)["runtime_config"]["parameter_values"]
    assert values == PIPELINE.parameters | {
        "model": "delay",
        "model_version": "7",
        "window_start": "2026-09-01T23:00:00Z",
        "window_end": "2026-10-31T11:00:00Z",
        "request_id": "delay:2026-10-31T23:00:00Z",
        "template": "",
    }
    assert deployed.outside.answers() == {"started": 1}


def test_its_run_is_told_of_at_once(deployed: Deployed) -> None:
    deployed.give(REQUEST)
    [run] = deployed.outside.runs
    assert (run.pipeline, run.run_id) == ("train-delay", JOB.rpartition("/")[2])
    assert (run.status.value, run.observed_at) == ("running", BORN)
    assert deployed.outside.findings == []


def test_without_an_account_vertex_ai_chooses_and_elsewhere_it_runs_elsewhere(deployed: Deployed) -> None:
    pipeline = replace(PIPELINE, service_account="", location="europe-west1", parameters={})
    deployed.models = (replace(MODEL, retraining=replace(POLICY, pipeline=pipeline)),)
    assert deployed.give(REQUEST) == 204
    [job] = deployed.server.jobs.values()
    assert job.name.startswith("projects/p/locations/europe-west1/pipelineJobs/")
    assert job.service_account == ""


def test_a_request_that_comes_again_starts_nothing_more(deployed: Deployed) -> None:
    assert [deployed.give(REQUEST) for _ in range(3)] == [204] * 3
    assert deployed.server.effects == 1
    assert len(deployed.outside.runs) == 1
    assert deployed.outside.answers() == {"started": 1, "repeated": 2}


def test_killed_anywhere_it_starts_one_and_tells_of_it(framework: "FlaskClient") -> None:
    killed = 0
    while True:
        server = VertexPipelines()
        try:
            deployed = Deployed(framework, server, Outside(kill_at=killed + 1))
            try:
                deployed.give(REQUEST)
            except KilledError:
                killed += 1
                deployed.outside.dead, deployed.outside.kill_at = False, 0
                assert deployed.give(REQUEST) == 204
            else:
                break
            assert list(server.jobs) == [JOB]
            assert server.effects == 1
            assert len({run.id for run in deployed.outside.runs}) == 1
            assert deployed.outside.answers() in ({"started": 1}, {"repeated": 1})
            assert deployed.outside.documents[COLLECTION, "delay"].data["told"]
        finally:
            server.stop()
    assert killed > 10


def test_killed_before_it_told_it_tells_though_a_newer_version_came_meanwhile(deployed: Deployed) -> None:
    deployed.outside.down = {"bus"}
    assert deployed.give(REQUEST) == 503
    assert list(deployed.server.jobs) == [JOB]
    deployed.server.move([deployed.server.jobs[JOB].state], SUCCEEDED)
    deployed.outside.down, deployed.outside.version = set(), "8"
    assert deployed.give(REQUEST) == 204
    assert [run.observed_at for run in deployed.outside.runs] == [BORN]
    assert deployed.outside.answers() == {"started": 1}


def test_an_answer_that_is_lost_is_no_second_training(deployed: Deployed) -> None:
    deployed.server.lose_answer()
    while deployed.give(REQUEST) != 204:
        pass
    assert deployed.server.effects == 1
    assert deployed.outside.answers() == {"started": 1}


def test_late_after_a_newer_version_nothing_is_trained(deployed: Deployed, caplog: pytest.LogCaptureFixture) -> None:
    deployed.outside.version = "8"
    with caplog.at_level("INFO"):
        assert deployed.give(REQUEST) == 204
    assert deployed.server.jobs == {}
    assert "no training: delay: other_version: version 8 is deployed, 7 was to be replaced" in caplog.messages
    assert deployed.outside.answers() == {"other_version": 1}


@pytest.mark.parametrize("state", [RUNNING, CANCELLING])
def test_while_a_training_of_the_model_runs_no_other_is_started(deployed: Deployed, state: int) -> None:
    deployed.server.add("by-hand", state, pipeline="train-delay")
    for number in range(5):
        deployed.server.add(f"before-{number}", SUCCEEDED, pipeline="train-delay")
    deployed.server.add("another-model", RUNNING, pipeline="train-churn")
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 0
    assert deployed.outside.answers() == {"running": 1}
    deployed.server.move([state], SUCCEEDED)
    assert deployed.give(LATER) == 204
    assert deployed.server.effects == 1


def test_the_next_request_waits_for_the_training_before_and_replaces_its_version(deployed: Deployed) -> None:
    deployed.give(REQUEST)
    assert deployed.give(LATER) == 204
    deployed.server.move([deployed.server.jobs[JOB].state], SUCCEEDED)
    deployed.outside.version = "8"
    assert deployed.give(replace(LATER, requested_at=LATER.requested_at + HOUR, model_version="8")) == 204
    assert deployed.server.effects == 2
    assert deployed.outside.answers() == {"started": 2, "running": 1}
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 2


def test_of_two_requests_at_one_moment_one_waits(deployed: Deployed) -> None:
    deployed.outside.kill_at = 9  # the claim is saved, and nothing created
    with pytest.raises(KilledError):
        deployed.give(REQUEST)
    assert (COLLECTION, "delay") in deployed.outside.documents
    assert deployed.server.jobs == {}
    deployed.outside.dead, deployed.outside.kill_at = False, 0
    assert deployed.give(LATER) == 429
    assert deployed.server.jobs == {}
    deployed.outside.now += CLAIM
    assert deployed.give(LATER) == 204
    assert deployed.server.effects == 1
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 1
