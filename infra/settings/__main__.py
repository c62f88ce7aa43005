"""`make settings`: the tables of docs/settings.md and the schema for editors, from what core/settings declares."""

import sys

from infra.settings import guide, schema


def main() -> int:
    """Write both files."""
    guide.FILE.write_text(guide.text(), encoding="utf-8")
    schema.FILE.write_text(schema.text(), encoding="utf-8")
    print(f"{guide.FILE}\n{schema.FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
