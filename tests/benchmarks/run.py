"""`make bench`: every figure that has a target, side by side with its yardstick, into `build/bench.md`.

    python tests/benchmarks/run.py [imports latency stores reads live runs start drift clean performance generative scale probes incidents experiments intake telemetry replay business marts forecasts capacity]

Without a name it runs all parts, one after the other.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = {
    "imports": [HERE / "imports.py"],
    "latency": [HERE / "latency.py"],
    "stores": [HERE / "stores.py"],
    "reads": [HERE / "reads.py"],
    "live": [HERE / "live" / "run.py"],
    "runs": [HERE / "runs_shown.py"],
    "start": [HERE / "start.py"],
    "drift": [HERE / "drift" / "run.py"],
    "clean": [HERE / "drift" / "clean.py"],
    "performance": [HERE / "performance" / "run.py"],
    "generative": [HERE / "generative" / "run.py"],
    "scale": [HERE / "scale" / "run.py", "--profile"],
    "probes": [HERE / "probes" / "run.py"],
    "incidents": [HERE / "incidents" / "run.py"],
    "experiments": [HERE / "experiments" / "run.py"],
    "intake": [HERE / "intake_memory.py"],
    "telemetry": [HERE / "telemetry" / "run.py"],
    "replay": [HERE / "replay" / "run.py"],
    "business": [HERE / "business" / "run.py"],
    "marts": [HERE / "business" / "marts.py"],
    "forecasts": [HERE / "business" / "forecasts.py"],
    "capacity": [HERE / "capacity" / "run.py"],
}


def main(names: list[str]) -> int:
    """Run the parts one after another, each in a process of its own, and keep what they print; not 0 where one missed a target."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"bench: must be of {', '.join(PARTS)}, got {', '.join(unknown)}", file=sys.stderr)
        return 2
    tables, missed = [], 0
    for name in names or PARTS:
        print(f"\n## {name}\n", flush=True)
        run = subprocess.run(
            [sys.executable, *map(str, PARTS[name])], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        print(run.stdout, flush=True)
        missed |= run.returncode
        tables.append(f"## {name}\n\n{run.stdout}")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.md").write_text("\n".join(tables))
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
