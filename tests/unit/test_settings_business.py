"""The section `business`: what may be said of orders, customers, costs and the market, and what is refused by name."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import Business, Cost, MarketTable, parse
from tests.support.builders.settings import JUNK, Path, changed, faults, places, told

ORDERS: dict[str, Any] = {
    "table": "telemetry.orders",
    "timestamp": "ordered_at",
    "id": "order_id",
    "source": "source",
    "amount": "amount_dollars",
    "customer": "customer_id",
    "outcome": "outcome",
    "outcomes": {"taken": ["paid", "settled"], "failed": ["declined"]},
    "late": "2d",
    "repeated_within": "12h",
    "refund_id": "refund",
    "refunds": "in_place",
    "tax": "tax",
    "discount": "discount",
    "currency": "currency",
    "test": "is_test",
    "model": "model",
    "version": "model_version",
    "arm": "arm",
    "device": "device",
    "country": "country",
}
SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "business": {
        "time_zone": "America/Los_Angeles",
        "orders": ORDERS,
        "customers": {"period": "60d"},
        "currency": "EUR",
        "rates": {"table": "a.rates", "day": "day", "currency": "code", "rate": "rate", "max_age": "5d"},
        "exposures": {"table": "a.seen", "timestamp": "at", "customer": "who", "model": "model", "arm": "arm"},
        "roi": {
            "target": 0.4,
            "minimum_customers": 50,
            "models": {
                "ranker": {
                    "control": "old",
                    "split": {"old": 0.25, "new": 0.75},
                    "cost_share": 0.5,
                    "investment": 1000,
                },
                "prices": {"share": 0.1, "cost_share": 0.25},
            },
        },
        "costs": {"serving": {"dollars_per_hour": 12.5}},
        "spending": {"table": "a.spent", "timestamp": "at", "kind": "service", "amount": "dollars"},
        "billing": {
            "table": "my-project.billing.gcp_billing_export_resource_v1_0123AB",
            "export": "detailed",
            "partition": "_PARTITIONTIME",
            "complete_after": "3d",
            "labels": {"model": "ml-model", "team": "owner"},
            "shared": [{"service": "BigQuery"}, {"service": "Cloud Storage", "shares": {"churn": 0.5, "fraud": 0.5}}],
            "recommender": {"projects": ["my-project"], "locations": ["us-central1", "us-central1-a", "us"]},
        },
        "market": {"table": "a.sold", "timestamp": "at", "id": "id", "company": "carrier", "ours": "UA", "days": 7},
    },
}


def business(raw: dict[str, Any] | None = None) -> Business:
    return parse(raw or SAMPLE).business


def test_everything_is_read_as_it_stands() -> None:
    found = business()
    assert found.orders is not None
    assert (found.orders.customer, found.orders.late) == ("customer_id", timedelta(days=2))
    assert (found.orders.repeated_within, found.orders.refund_id) == (timedelta(hours=12), "refund")
    assert found.orders.refunds == "in_place"
    assert (found.orders.arm, found.orders.test, found.currency) == ("arm", "is_test", "EUR")
    assert found.rates is not None
    assert (found.rates.currency, found.rates.max_age) == ("code", timedelta(days=5))
    assert found.exposures is not None
    assert found.exposures.customer == "who"
    assert (found.roi.target, found.roi.minimum_customers) == (0.4, 50)
    assert found.roi.models["ranker"].split == {"old": 0.25, "new": 0.75}
    assert found.customers.period == timedelta(days=60)
    assert found.time_zone == "America/Los_Angeles"
    assert found.costs == {"serving": Cost(dollars_per_hour=12.5)}
    assert found.spending is not None
    assert found.spending.kind == "service"
    assert found.billing is not None
    assert (found.billing.labels.model, found.billing.labels.pipeline, found.billing.labels.team) == (
        "ml-model",
        "pipeline",
        "owner",
    )
    assert found.billing.shared[1].shares == {"churn": 0.5, "fraud": 0.5}
    assert found.market == MarketTable(
        table="a.sold", timestamp="at", id="id", company="carrier", ours="UA", days=7, amount=None
    )


def test_words_that_are_not_given_mean_themselves() -> None:
    orders = business().orders
    assert orders is not None
    assert orders.outcomes == {"taken": ("paid", "settled"), "refunded": ("refunded",), "failed": ("declined",)}


def test_without_the_section_nothing_of_the_business_is_measured() -> None:
    assert business({"version": 1, "jobs": {}}) == Business()


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("orders", "table"), "orders; DROP TABLE x", "business.orders.table: must be 'dataset.table'"),
        (("orders", "amount"), "a b", "business.orders.amount: must be a column"),
        (("orders", "id"), "`id`", "business.orders.id: must be a column"),
        (("orders", "source"), ..., "business.orders.source: must be given, got None"),
        (("orders", "late"), "1m", "business.orders.late: must be 1h to 30d"),
        (("time_zone",), "PST8", "business.time_zone: must be the name of an IANA time zone, as in 'Europe/Berlin'"),
        (("orders", "repeated_within"), "31d", "business.orders.repeated_within: must be 1h to 30d"),
        (("orders", "refunds"), "perhaps", "business.orders.refunds: must be one of rows, in_place, got 'perhaps'"),
        (("orders", "outcome"), ..., "business.orders.outcome: must be given where outcomes is given, got None"),
        (
            ("orders", "outcomes", "failed"),
            ["paid"],
            "business.orders.outcomes.failed[0]: must mean one outcome, got 'paid'",
        ),
        (
            ("orders", "outcomes", "lost"),
            ["x"],
            "business.orders.outcomes.lost: must be one of taken, refunded, failed",
        ),
        (("orders", "customer"), ..., "business.orders.customer: must be given where customers is given, got None"),
        (("orders",), ..., "business.orders.customer: must be given where customers is given, got None"),
        (("customers", "period"), "36h", "business.customers.period: must be 1d to 365d, in whole d"),
        (
            ("currency",),
            "euro",
            "business.currency: must be the code of a currency (ISO 4217), as in 'USD', got 'euro'",
        ),
        (("orders", "currency"), ..., "business.orders.currency: must be given where rates is given, got None"),
        (("orders", "model"), ..., "business.orders.model: must be given where version is given, got None"),
        (("rates", "max_age"), "12h", "business.rates.max_age: must be 1d to 60d, in whole d"),
        (("roi", "models", "prices", "control"), "old", "business.roi.models.prices.control: must not be given"),
        (("roi", "models", "ranker", "split", "new"), 0.5, "business.roi.models.ranker.split: must be above 0 each"),
        (
            ("roi", "models", "ranker", "control"),
            "none",
            "business.roi.models.ranker.split: must have the arm of control",
        ),
        (("roi", "models", "prices", "cost_share"), 0.6, "business.roi.models: must have a cost_share of at most 1"),
        (("roi", "minimum_customers"), 1, "business.roi.minimum_customers: must be 2 to"),
        (
            ("costs", "Serving"),
            {"dollars_per_hour": 1},
            "business.costs.Serving: must be a name of at most 100 small letters",
        ),
        (("costs", "serving", "dollars_per_hour"), -1, "business.costs.serving.dollars_per_hour: must be a number"),
        (
            ("spending",),
            {"table": "marts.costs_daily", "timestamp": "day", "kind": "ServiceName", "amount": "x_Dollars"},
            "business.spending.amount: must be in EUR, the reporting currency: EffectiveCost, if Google bills in that",
        ),
        (("spending", "kind"), "service.description", "business.spending.kind: must be a column"),
        (("billing", "table"), ..., "business.billing.table: must be given, got None"),
        (("billing", "export"), "focus", "business.billing.export: must be one of standard, detailed, got 'focus'"),
        (("billing", "labels", "model"), "Model'", "business.billing.labels.model: must be the key of a label"),
        (("billing", "complete_after"), "36h", "business.billing.complete_after: must be 1d to 10d, in whole d"),
        (
            ("billing", "shared", 1, "shares", "fraud"),
            0.7,
            "business.billing.shared[1].shares: must add up to at most 1, got 1.2",
        ),
        (("billing", "shared", 1, "service"), "BigQuery", "business.billing.shared[1].service: must be there once"),
        (
            ("billing", "recommender", "locations"),
            ["US"],
            "business.billing.recommender.locations[0]: must be a location",
        ),
        (("market", "days"), 0, "business.market.days: must be 1 to 365, got 0"),
        (("market", "ours"), "", "business.market.ours: must be 1 to 200 printable characters"),
        (("market", "rank"), 1, "business.market.rank: must be a known key"),
    ],
)
def test_what_is_wrong_is_told_with_its_key_and_value(path: Path, value: object, fault: str) -> None:
    told_of = faults(changed(SAMPLE, ("business", *path), value))
    assert any(one.startswith(fault) for one in told_of), told_of


@given(st.sampled_from([place for place in places(SAMPLE) if place[:1] == ("business",)]), JUNK)
def test_whatever_is_written_is_read_or_told_of(path: Path, value: object) -> None:
    assert told(changed(SAMPLE, path, value))
