"""The parts of statements that read the billing export."""

from collections.abc import Mapping
from datetime import timedelta

from core.settings import Billing
from functions.bi_rollup.quoted_names import quoted

EARLY = timedelta(days=32)
"""How long before its day a charge may be exported: one of a month at its beginning."""


def billing_parts(given: Billing, texts: Mapping[str, str]) -> dict[str, object]:
    """The rows of the export, and the names and expressions that they are made of.

    Args:
        given: the settings of it.
        texts: of the `.sql` files, by name.
    """
    labels = {key: getattr(given.labels, key) for key in ("model", "pipeline", "team")}
    billing = {
        "table": quoted(given.table),
        "partition": quoted(given.partition),
        "resource": "line.resource.global_name" if given.export == "detailed" else "CAST(NULL AS STRING)",
        "early_days": str(EARLY.days),
        **{key: f"COALESCE({_label('line', label)}, {_label('line.project', label)})" for key, label in labels.items()},
    }
    rows = texts["billing_rows"].format(billing=billing).replace("\n", "\n    ")
    return {"billing": billing, "billing_rows": rows}


def _label(owner: str, key: str) -> str:
    """The value of a label; NULL without one."""
    return f"(SELECT MAX(NULLIF(label.value, '')) FROM UNNEST({owner}.labels) AS label WHERE label.key = '{key}')"  # noqa: S608 - the settings check the key
