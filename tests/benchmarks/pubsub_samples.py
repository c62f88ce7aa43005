"""How many of the sample tests of googleapis/python-pubsub pass against our Pub/Sub, and against Google's emulator.

    python tests/benchmarks/pubsub_samples.py SAMPLES/snippets PYTHON

Needs a checkout of that repository, and an interpreter that has the requirements of its samples and pytest-timeout. Takes some eight minutes
a server: the samples wait. It prints one row a file, and below them what failed.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.contract.pubsub_fixtures import PROJECT, google_emulator, our_server

FILES = ("publisher_test", "subscriber_test", "schema_test", "iam_test")
SECONDS = 280
"""After which one test is given up: the longest listens for 200 s."""

Outcomes = dict[tuple[str, str], bool]
"""Whether a test passed, by its file and name."""


def main(samples: Path, python: Path) -> None:
    """Print the table."""
    ours, google = _measure("ours", samples, python), _measure("google", samples, python)
    print("| samples | tests | ours | Google's emulator |\n|---|---|---|---|")
    for file, count in Counter(file for file, _ in ours).items():
        print(f"| {file} | {count} | {_passed(ours, file)} | {_passed(google, file)} |")
    for title, outcomes in (("ours", ours), ("Google's emulator", google)):
        print(f"\nFailed, {title}: {', '.join(name for (_, name), passed in outcomes.items() if not passed) or 'none'}")


def _measure(kind: str, samples: Path, python: Path) -> Outcomes:
    """The outcome of each test; none where the server is absent."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        server = our_server(folder / "pubsub.sqlite") if kind == "ours" else google_emulator(folder)
        try:
            host = running.enter_context(server).host
        except pytest.skip.Exception as absent:
            print(f"not measured: {absent}", file=sys.stderr)
            return {}
        results = folder / "results.xml"
        environment = {**os.environ, "PUBSUB_EMULATOR_HOST": host, "GOOGLE_CLOUD_PROJECT": PROJECT, "PYTHONPATH": "."}
        command = [str(python), "-m", "pytest", "-q", f"--timeout={SECONDS}", f"--junitxml={results}"]
        command += [f"{file}.py" for file in FILES]
        subprocess.run(command, cwd=samples, env=environment, stdout=sys.stderr, check=False)
        return dict(_outcomes(results))


def _outcomes(results: Path) -> Iterator[tuple[tuple[str, str], bool]]:
    for case in ET.parse(results).iter("testcase"):
        passed = all(case.find(fault) is None for fault in ("failure", "error", "skipped"))
        yield (case.attrib["classname"].rsplit(".", 1)[-1], case.attrib["name"]), passed


def _passed(outcomes: Outcomes, file: str) -> str:
    return str(sum(passed for (own, _), passed in outcomes.items() if own == file)) if outcomes else "absent"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).absolute())
