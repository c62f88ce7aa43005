"""One tick of the settings on standard input, in the place of the function: prints what it took, as JSON, on the last line."""

import json
import sys
import time
from pathlib import Path

from core.settings import parse
from functions.adapters.probes import run
from functions.health_check import main


def memory(key: str) -> float:
    """Megabytes of this process: `VmRSS` now, or `VmHWM` at most."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key)]
    return int(line.split()[1]) / 1000


def tick() -> None:
    """Run the probes, and print what was measured."""
    configured = parse(json.load(sys.stdin)).probes
    before, start = memory("VmRSS"), time.perf_counter()
    results = run.run(configured)
    seconds = time.perf_counter() - start
    reasons = [str(result.reason) for result in results.values()]
    up, timeout = reasons.count("ok"), reasons.count("timeout")
    found = {"function": main.NAME, "probes": len(configured), "seconds": seconds, "before": before}
    found |= {"peak": memory("VmHWM"), "up": up, "timeout": timeout, "other": len(reasons) - up - timeout}
    print(json.dumps(found))


if __name__ == "__main__":
    tick()
