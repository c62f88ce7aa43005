"""Languages and personal data of real texts: how many are told right, by the expressions that the warehouse evaluates.

    python tests/benchmarks/generative/texts.py

Languages: translations of Debian's programs (`/usr/share/locale`), three messages at a time and one at a time. Personal data: descriptions of
goods of a real shop, which have none, and lines of a real web log, each of which begins with an IP address; both are beside the
project. What is absent is named.
"""

import gettext
import gzip
import os
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from google.cloud import bigquery

from core.generative.language import UNKNOWN, language_sql
from core.generative.pii import CLEAN, kinds_sql
from core.settings.generation import PII_KINDS
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse import Emulator, write_credentials
from tests.support.builders import public_data

LOCALES = Path("/usr/share/locale")
CODES = (
    *(
        "en",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "sv",
        "da",
        "pl",
        "cs",
        "tr",
        "ru",
        "uk",
        "ja",
        "ko",
        "zh_CN",
        "he",
        "el",
    ),
    *("hi", "ar", "th", "fi", "hu", "ro", "vi"),
)
LONG, SHORT = 900, 1200
DENSE = {"ja", "ko", "th", "zh_CN"}
"""Languages without blanks between words."""


def messages(code: str) -> list[str]:
    """The messages of a language that are sentences, in an order that is always the same."""
    found = []
    for path in sorted((LOCALES / ("de" if code == "en" else code) / "LC_MESSAGES").glob("*.mo")):
        if path.name.startswith("iso_"):
            continue
        try:
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        except (OSError, UnicodeError):
            continue
        for key, translated in catalogue.items():
            original = key[0] if isinstance(key, tuple) else key
            text = original if code == "en" else translated
            if isinstance(text, str) and (code == "en" or text != original) and _is_sentence(text, code):
                found.append(" ".join(text.split()))
    random.Random(5).shuffle(found)
    return found


def _is_sentence(text: str, code: str) -> bool:
    return len(re.findall(r"\w+", text)) >= 8 or (code in DENSE and len(text) > 20)


def languages(warehouse: BigQueryWarehouse) -> None:
    """Print how many texts are told right, by language."""
    for title, few in (("three messages", False), ("one message", True)):
        told: Mapping[str, Counter[str]] = defaultdict(Counter)
        for code in CODES:
            every = messages(code)
            texts = (
                every[LONG:SHORT]
                if few
                else [" ".join(every[n : n + 3])[:600] for n in range(0, min(len(every), LONG), 3)]
            )
            told[code.partition("_")[0]].update(evaluated(warehouse, language_sql("response"), texts))
        total = sum(map(Counter.total, told.values()))
        right = sum(found[code] for code, found in told.items())
        unknown = sum(found[UNKNOWN] for found in told.values())
        print(f"{title}: {right / total:.1%} of {total} right, {unknown / total:.1%} unknown")
        shares = (f"{code} {found[code] / found.total():.1%}" for code, found in told.items() if found)
        print("  " + ", ".join(shares))


def personal_data(warehouse: BigQueryWarehouse) -> None:
    """Print what is found in texts that have no personal data, and in some that all have some."""
    if path := public_data.found(public_data.RETAIL):
        column = pq.read_table(path, columns=["Description"])["Description"].unique().to_pylist()
        found = Counter(evaluated(warehouse, kinds_sql("response", PII_KINDS), [text for text in column if text]))
        print(f"descriptions of goods: {found.total() - found[CLEAN]} of {found.total()} with personal data")
    if path := public_data.found("apache_access.log.gz"):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        found = Counter(evaluated(warehouse, kinds_sql("response", PII_KINDS), lines))
        print(f"lines of a web log, each with an IP address: {dict(found.most_common(6))}")


def evaluated(warehouse: BigQueryWarehouse, expression: str, texts: Sequence[str]) -> list[str]:
    """What an expression over `response` is, of each text in any order."""
    sql = f"SELECT {expression} AS found FROM UNNEST(@texts) AS response"
    parts = (texts[first : first + 1000] for first in range(0, len(texts), 1000))
    return [row["found"] for part in parts for row in warehouse.query(sql, texts=list(part))]


def main() -> int:
    """Run both."""
    if not LOCALES.exists():
        print(f"absent: {LOCALES}")
    with tempfile.TemporaryDirectory() as folder, Emulator(data=Path(folder) / "warehouse") as emulator:
        os.environ["BIGQUERY_EMULATOR_HOST"] = emulator.url
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(write_credentials(Path(folder) / "account.json"))
        warehouse = BigQueryWarehouse(bigquery.Client(project="test"))
        languages(warehouse)
        personal_data(warehouse)
    return 0


if __name__ == "__main__":
    sys.exit(main())
