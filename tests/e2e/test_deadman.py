"""People hear of it when what tells them is silent."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.prometheus import RULES
from tests.support.servers.stack import LocalStack, eventually, fresh, listens

pytestmark = pytest.mark.timeout(300)  # the stack is started, and a silence takes its time

RULE = "IncidentRouterSilent"


def shortened(rules: Path, into: Path) -> Path:
    """The rules of the system with a wait of seconds; what they look at, and how, stays."""
    found = yaml.safe_load((rules / "system.yaml").read_text())
    [group] = found["groups"]
    group["interval"] = "2s"
    for rule in group["rules"]:
        if rule["alert"] == RULE:
            rule["for"] = "5s"
            rule["expr"], times = re.subn(r"> \d+\b", "> 5", rule["expr"])
            assert times == 1, f"{RULE}: must compare with one number of seconds, got {rule['expr']}"
    into.mkdir()
    (into / "system.yaml").write_text(yaml.safe_dump(found, sort_keys=False))
    return into


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack whose Prometheus waits for seconds where the repository's waits for minutes."""
    with LocalStack(tmp_path / "data", 1, process_per_function=True) as stack:
        stack.start()
        path = stack.folder / "prometheus.yml"
        config = yaml.safe_load(path.read_text())
        config["rule_files"] = [str(shortened(RULES, tmp_path / "rules") / "*.yaml")]
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        os.kill(stack.programs()["prometheus"], signal.SIGHUP)  # it reads its configuration again
        eventually(lambda: intervals(stack) == [2], "shortened rules")
        yield stack


def intervals(stack: LocalStack) -> list[float]:
    return [group["interval"] for group in stack.get("/api/v1/rules", of="prometheus")["data"]["groups"]]


def direct(stack: LocalStack) -> list[dict[str, Any]]:
    return stack.inbox(RULE, "direct")


def test_a_router_that_is_gone_for_good_is_told_of_without_it(impatient: LocalStack) -> None:
    before = len(direct(impatient))
    port = impatient.port("incident_router")
    with impatient.kept_dead("incident_router"):
        eventually(lambda: not listens(port), "router that is gone")
        impatient.publish("findings", fresh(target="service/unheard"))
        told = eventually(lambda: direct(impatient)[before:], "message past the router", within=120)
        assert {one["change"] for one in told} == {"opened"}
        assert impatient.incidents("service/unheard") == []
    assert "incident_router" in told[0]["title"]
    assert told[0]["severity"] == "critical"
    eventually(lambda: impatient.incidents("service/unheard"), "incident of what waited", within=120)
    eventually(lambda: direct(impatient)[-1]["change"] == "resolved", "message that it is back", within=120)
