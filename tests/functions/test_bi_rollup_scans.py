"""What tables cost to read: the rollup over dry runs, with a table of a billion rows that has no partitions."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.business.recommendations import Recommendation
from core.errors import QueryError, UnavailableError
from core.settings import Billing, Business, MarketTable, Orders, Resource, Settings
from core.settings.business import RecommenderSource
from functions.adapters.ledger import Ledger
from functions.adapters.prometheus import Prometheus, Series
from functions.adapters.stores import open_store
from functions.bi_rollup import table_scans
from functions.bi_rollup.machines import QUERY, EndpointUtilisation
from functions.bi_rollup.recommendations import _from_google
from functions.bi_rollup.rollup import Outside
from tests.support.fakes.ports import Unused
from tests.support.fakes.recorders import RecordingMetrics

AT = datetime(2026, 3, 2, tzinfo=UTC)
SETTINGS = Settings(
    jobs={},
    business=Business(
        orders=Orders(table="shop.paid", timestamp="ordered_at", id="id", source="s", amount="n"),
        market=MarketTable(table="shop.sold", timestamp="t", id="id", company="c", ours="us"),
    ),
)


@dataclass
class Tables:
    """Tables by their bytes a day; one without partitions is read whole."""

    daily: dict[str, int]
    unpartitioned: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __call__(self, sql: str, **span: Any) -> int:
        self.asked.append(sql)
        table = next(name for name in self.daily if f"`{name.replace('.', '`.`')}`" in sql)
        if table in self.refused:
            raise QueryError(f"BigQuery refused the statement: {table} was not found")
        first, last = datetime(2025, 3, 2, tzinfo=UTC), AT
        since, until = max(first, span["since"]), min(last, span["until"])
        days = (last - first).days if table in self.unpartitioned else max(0, (until - since).days)
        return self.daily[table] * days


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    store = open_store(f"sqlite://{tmp_path}/s.db", "t")
    return Outside(
        settings=SETTINGS,
        models=dict,
        tables=Unused(),
        incidents=Unused(),
        store=store,
        metrics=RecordingMetrics(),
        ledger=Ledger(store, lambda: AT, "bi_rollup"),
    )


def measured(outside: Outside, tables: Tables) -> dict[tuple[str, ...], float]:
    result = table_scans.run(replace(outside, bytes_of=tables), AT, None)
    return {(value.name, *value.labels.values()): value.value for value in result.metrics}


def test_a_table_without_partitions_is_an_issue_with_what_to_do(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    daily = 10**9 * 40 // 365  # a billion rows of 40 bytes in a year
    tables = Tables({"shop.paid": daily, "shop.sold": daily}, unpartitioned={"shop.paid"})
    found = measured(outside, tables)
    assert found["aia_table_scan_bytes", "shop.paid"] == daily * 365
    assert found["aia_table_scan_bytes", "shop.sold"] == daily * 30
    assert found["aia_business_data_issues", "orders", "unpartitioned"] == 1.0
    assert found["aia_business_data_issues", "market", "unpartitioned"] == 0.0
    dollars = found["aia_table_scan_monthly_dollars", "shop.paid"]
    assert dollars == pytest.approx(daily * 365 * 8640 / 2**40 * 6.25)
    lines = [getattr(record, "fields", {}) for record in caplog.records]
    assert {"partition shop.paid by DAY(ordered_at)"} <= {line.get("advice") for line in lines}
    assert all(sql.startswith("SELECT `") for sql in tables.asked)


def test_what_is_not_measured_has_no_value(outside: Outside) -> None:
    assert measured(outside, Tables({"shop.paid": 0, "shop.sold": 0})) == {}


def test_a_table_that_is_refused_leaves_the_others(outside: Outside, caplog: pytest.LogCaptureFixture) -> None:
    found = measured(outside, Tables({"shop.paid": 10**9, "shop.sold": 10**9}, refused={"shop.paid"}))
    assert {key[1] for key in found} == {"shop.sold", "market"}
    assert any("shop.paid: its bytes are not known" in line for line in caplog.messages)


def test_a_warehouse_that_does_not_answer_fails_the_tick(outside: Outside) -> None:
    def down(_: str, **__: Any) -> int:
        raise UnavailableError("BigQuery does not answer")

    with pytest.raises(UnavailableError):
        table_scans.run(replace(outside, bytes_of=down), AT, None)


class Charts(Prometheus):
    """Cloud Monitoring with one answer."""

    def __init__(self, *answer: Series | Exception) -> None:
        self.answer = answer

    def instant(self, query: str, *, at: int) -> list[Series]:
        assert (query, at) == (QUERY, int(AT.timestamp()))
        return [one for one in self.answer if not isinstance(one, Exception) or self._fail(one)]

    def _fail(self, error: Exception) -> bool:
        raise error


def test_the_utilisation_of_an_endpoint_is_that_of_its_target() -> None:
    resources = {
        "model/churn": Resource(endpoint="projects/p/locations/l/endpoints/123"),
        "model/delay": Resource(endpoint="projects/p/locations/l/endpoints/124"),
        "cache/a": Resource(redis=""),
    }
    series = [Series(labels={"endpoint_id": number}, values=(value,)) for number, value in (("123", 0.2), ("9", 0.9))]
    series.append(Series(labels={"endpoint_id": "124"}, values=(None,)))
    assert EndpointUtilisation(resources, lambda: Charts(*series))(AT) == {"model/churn": 0.2}
    for error in (QueryError("no"), UnavailableError("no")):
        assert EndpointUtilisation(resources, lambda error=error: Charts(error))(AT) == {}
    assert EndpointUtilisation({}, Unused())(AT) == {}


def test_a_project_that_google_refuses_is_counted_and_the_others_stand(outside: Outside) -> None:
    source = RecommenderSource(projects=("refused", "answers"), locations=("us",))
    billing = Billing(table="a.b", recommender=source)
    asked: list[tuple[str, tuple[str, ...]]] = []

    def recommender(project: str, locations: Any) -> list[Recommendation]:
        asked.append((project, locations))
        if project == "refused":
            raise QueryError("Recommender refuses: 403")
        return []

    given = replace(outside, settings=Settings(jobs={}, business=Business(billing=billing)), recommender=recommender)
    assert _from_google(given) == ([], 1)
    assert asked == [("refused", ("us",)), ("answers", ("us",))]
