"""`make settings`: the tables of docs/settings.md, from what core/settings declares."""

import sys

from infra.settings import guide


def main() -> int:
    """Write them."""
    guide.FILE.write_text(guide.text(), encoding="utf-8")
    print(guide.FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
