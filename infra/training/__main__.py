"""`python -m infra.training --templates DIR`: compile the training pipelines, named by their hash."""

import argparse
import sys
from pathlib import Path

from infra.training.package import digest, package


def main(arguments: list[str] | None = None) -> int:
    """Compile the pipelines into a folder, and print where each is and its version."""
    parser = argparse.ArgumentParser(prog="python -m infra.training", description="Compile the training pipelines.")
    parser.add_argument("--templates", type=Path, required=True, metavar="DIR", help="one template a pipeline")
    options = parser.parse_args(arguments)
    for path in package(options.templates):
        print(path, digest(path.read_bytes()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
