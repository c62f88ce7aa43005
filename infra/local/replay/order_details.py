"""What the public orders do not say, made up: currency, tax, discount, test orders, device, country, and an experiment on a model.

Nothing of it is measured. An order has the same details whenever it is read, as they follow from its row number and its customer. In the
experiment, half of the known customers have the recommender, and pay `EFFECT` more for everything they order than the data say: so it is
known what an analysis of the experiment must find.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from infra.local.replay import exchange_rates
from infra.local.replay.flights import Array

EFFECT = 0.3
"""What the treatment adds to each amount."""
MODEL, VERSION = "recommender", "2"
CONTROL, TREATMENT = "control", "treatment"
VAT = 0.2
"""Of orders at home; those from abroad have none."""
_CURRENCIES = {"shop-uk": "GBP", "shop-europe": "EUR", "shop-world": "USD"}
_COUNTRIES = {
    "shop-uk": ("GB",),
    "shop-europe": ("DE", "FR", "IE", "NL", "ES", "BE"),
    "shop-world": ("US", "AU", "JP", "CA"),
}
_DEVICES = ("desktop", "desktop", "mobile", "mobile", "tablet")
_DISCOUNTED = 9
"""One order in so many has a discount of a tenth."""
_TESTS = 150
"""One order in so many of unknown customers counts as a test."""


def details(
    number: Array, days: Array, *, source: Array, customer: Array, dollars: Array, seed: int = 0
) -> Mapping[str, Any]:
    """The columns of `telemetry.orders` that are made up.

    Args:
        number: of the row in the data; shape (n,).
        days: the day of the order, since 1970; shape (n,).
        source: the shop; shape (n,).
        customer: its number, 0 where it is not known; shape (n,).
        dollars: the net amount in the data, negative for a refund; shape (n,).
        seed: of the assignment of customers to arms.
    """
    known = customer > 0
    treated = known & (_draw(customer, 2, seed + 1) == 1)
    net = dollars * np.where(treated, 1.0 + EFFECT, 1.0)
    currency = np.array([_CURRENCIES[name] for name in source], dtype=object)
    in_currency = net / exchange_rates.rates(currency, days)
    tax = np.round(in_currency * np.where(source == "shop-uk", VAT, 0.0), 2)
    discounted = (_draw(number, _DISCOUNTED, seed + 2) == 0) & (dollars > 0)
    device = _draw(np.where(known, customer, number), len(_DEVICES), seed + 3)
    country = _draw(np.where(known, customer, number), 60, seed + 4)
    return {
        "amount": (np.round(in_currency, 2) + tax).round(2).tolist(),
        "currency": currency.tolist(),
        "discount": np.where(discounted, np.round(in_currency / 9, 2), 0.0).tolist(),
        "tax": tax.tolist(),
        "is_test": (~known & (_draw(number, _TESTS, seed + 5) == 0)).tolist(),
        "model": [MODEL if one else None for one in known.tolist()],
        "model_version": [VERSION if one else None for one in treated.tolist()],
        "arm": [_arm(*pair) for pair in zip(known.tolist(), treated.tolist(), strict=True)],
        "device": [_DEVICES[place] for place in device.tolist()],
        "country": [
            _COUNTRIES[name][place % len(_COUNTRIES[name])]
            for name, place in zip(source.tolist(), country.tolist(), strict=True)
        ],
    }


def _arm(known: bool, treated: bool) -> str | None:  # noqa: FBT001 - two columns of a row
    if not known:
        return None
    return TREATMENT if treated else CONTROL


def _draw(keys: Array, among: int, seed: int) -> Array:
    """A number from 0 to below `among` for each key: always the same, and evenly spread (SplitMix64)."""
    bits = keys.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) % np.uint64(among)).astype(np.int64)
