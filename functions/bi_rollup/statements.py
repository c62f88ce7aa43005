"""The statements: fixed text, but for the tables and columns that the settings name.

The settings check every such name; it is quoted here, so that a column may be called `order` or `group`. Values are
parameters.
"""

from pathlib import Path

from core.settings import MarketTable, Orders, Spending

_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}

CUSTOMERS = _TEXTS["customers"]
LIVES = _TEXTS["lives"]
MODELS = _TEXTS["models"]
ANSWERS = _TEXTS["answers"]
EXPERIENCE = _TEXTS["experience"]
BY_HOUR = _TEXTS["by_hour"]
BY_DAY = _TEXTS["by_day"]
EXPECTED = _TEXTS["expected"]
SOURCES = _TEXTS["sources"]
TRACKED = _TEXTS["tracked"]
WRITE_FORECASTS = _TEXTS["write_forecasts"]
WRITE_FIGURES = _TEXTS["write_figures"]
_MEANING = """CASE
      WHEN word IN UNNEST(@taken) THEN 'taken' WHEN word IN UNNEST(@refunded) THEN 'refunded'
      WHEN word IN UNNEST(@failed) THEN 'failed' ELSE 'unknown'
    END"""
_BY_SIGN = "IF(amount < 0, 'refunded', 'taken')"
_NOBODY = "CAST(NULL AS STRING)"


def orders(given: Orders) -> str:
    """The orders of a span, each once; parameters `since` and `until`, and those of `words`."""
    return _TEXTS["orders"].format(
        table=_quoted(given.table),
        timestamp=_quoted(given.timestamp),
        id=_quoted(given.id),
        source=_quoted(given.source),
        amount=_quoted(given.amount),
        customer=_text(given.customer),
        word=_text(given.outcome),
        outcome=_MEANING if given.outcome else _BY_SIGN,
    )


def words(given: Orders) -> dict[str, list[str]]:
    """The parameters that say what the words of the outcomes mean, where there are any."""
    return {name: list(spelt) for name, spelt in given.outcomes.items()} if given.outcome else {}


def of_orders(name: str, given: Orders) -> str:
    """The statement of that name, which reads orders; its parameters are those of `orders`."""
    return _TEXTS[name].format(orders=orders(given).replace("\n", "\n    "))


def oldest(given: Orders) -> str:
    """The oldest order of a span; parameters `since` and `until`."""
    return _TEXTS["oldest"].format(table=_quoted(given.table), timestamp=_quoted(given.timestamp))


def market(given: MarketTable) -> str:
    """What each company sold in a span; parameters `since` and `until`."""
    return _TEXTS["market"].format(
        table=_quoted(given.table),
        timestamp=_quoted(given.timestamp),
        id=_quoted(given.id),
        company=_quoted(given.company),
        amount=f"CAST(sold.{_quoted(given.amount)} AS FLOAT64)" if given.amount else "1.0",
    )


def spending(given: Spending) -> str:
    """What was spent in a span; parameters `since` and `until`."""
    return _TEXTS["spending"].format(
        table=_quoted(given.table),
        timestamp=_quoted(given.timestamp),
        kind=_quoted(given.kind),
        amount=_quoted(given.amount),
    )


def _text(column: str | None) -> str:
    return f"CAST(paid.{_quoted(column)} AS STRING)" if column else _NOBODY


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
