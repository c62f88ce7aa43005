"""`make grafana`: writes the dashboards as files that Grafana loads, and the provider that loads them."""

import argparse
import shutil
import sys
from pathlib import Path

from infra.grafana.translate import write

PROVIDER = Path(__file__).parent / "provider.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Write them into a folder, and say which."""
    parser = argparse.ArgumentParser(prog="infra.grafana", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/grafana"), help="where to (build/grafana)")
    parser.add_argument("--runbooks", default="", help="the address of the folder of the runbooks, for the links")
    given = parser.parse_args(arguments)
    try:
        written = write(given.out / "dashboards", given.runbooks.rstrip("/"))
    except ValueError as error:
        print(f"grafana: {error}", file=sys.stderr)
        return 1
    shutil.copyfile(PROVIDER, given.out / PROVIDER.name)
    print("\n".join(map(str, [*written, given.out / PROVIDER.name])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
