"""What tests have started does not outlive them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers.reaper import VARIABLE, left
from tests.support.servers.stack import eventually

ROOT = Path(__file__).parents[2]
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
OWNER = """
import os, subprocess, sys
from tests.support.servers import reaper
kept = reaper.Reaper()
for code in sys.argv[1:]:
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    child.stdout.readline()
print(os.environ[reaper.VARIABLE], flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="/proc is absent: processes cannot be told by their environment"
)


@pytest.mark.parametrize(
    ("number", "programs"), [(signal.SIGKILL, [SLEEP, DEAF]), (signal.SIGTERM, [SLEEP]), (None, [SLEEP, SLEEP])]
)
def test_programs_in_sessions_of_their_own_end_with_who_started_them(
    number: signal.Signals | None, programs: list[str]
) -> None:
    own = {name: value for name, value in os.environ.items() if name != VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, *programs],
        cwd=ROOT,
        env=own | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        assert owner.stdin
        run = owner.stdout.readline().strip()
        assert len(left(run)) == len(programs)
        owner.send_signal(number) if number else owner.stdin.close()
        owner.wait(60)
    eventually(lambda: not left(run), "end of what was started")


def test_this_run_has_one() -> None:
    assert os.environ[VARIABLE]
