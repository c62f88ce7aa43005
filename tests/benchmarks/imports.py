"""How long a cold start's imports take: each staged function beside what it cannot do without."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra import stage

_FLOOR = "import functions_framework, google.cloud.pubsub_v1, google.cloud.bigquery"
_RUNS = 5


def seconds(code: str, folder: Path) -> float:
    """The best of several cold runs of a program, in seconds of the wall clock."""
    best = float("inf")
    for _ in range(_RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
        best = min(best, time.perf_counter() - started)
    return best


def table() -> list[str]:
    """The measured table, as lines of Markdown."""
    lines = ["| cold import | ms over bare Python | ratio to the floor |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = seconds("pass", folder)
        floor = seconds(_FLOOR, folder) - bare
        lines.append(f"| functions-framework, pubsub and bigquery (floor) | {floor * 1000:.0f} | 1.00 |")
        for function in stage.deployment()["functions"]:
            took = seconds("import main", stage.stage_all([function], folder)[function]) - bare
            lines.append(f"| {function} | {took * 1000:.0f} | {took / floor:.2f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
