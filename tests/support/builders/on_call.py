"""`aia` as people on call use it: the commands, a pipeline whose run goes on or fails, and the names in a bad night."""

from datetime import UTC, datetime

from click.testing import CliRunner, Result

from core.events import RunStatus
from functions.adapters.pipelines import COLLECTION, pipeline_data
from functions.adapters.store import update
from functions.cli.main import main
from tests.support.builders.pages import ApiFixture
from tests.support.builders.runs import AT, MINUTE, line_of, told

CHURN, DELAY = "endpoint-churn-20261123-aaaa0001", "model-flight-delay-20261123-aaaa0002"
"""The incidents of a bad night that are not over."""
ACTION = f"{CHURN}:1:rollback_model:model/churn"
"""The action that awaits an answer."""
RUNS = (("", RunStatus.RUNNING), ("train", RunStatus.RUNNING))
FAILS = (*RUNS, ("train", RunStatus.FAILED), ("", RunStatus.FAILED))


def aia(*arguments: str, columns: int = 200, **variables: str) -> Result:
    """What a command prints, and its exit status, where Ada gives it."""
    return CliRunner(env={"COLUMNS": str(columns), "LOGNAME": "Ada", **variables}).invoke(main, arguments)


def keep_run(office: ApiFixture, *statuses: tuple[str, RunStatus]) -> None:
    """Keep a pipeline with a run, of whose stages and of which itself (`""`) this was told, a minute apart until now."""
    since = (datetime.now(UTC) - len(statuses) * MINUTE - AT) / MINUTE
    line = line_of(told(status, since + minute, stage=stage) for minute, (stage, status) in enumerate(statuses))
    update(office.store, COLLECTION, line.name, lambda _: pipeline_data(line))
