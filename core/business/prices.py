"""List prices that estimates are made with, in US dollars; those of a bill are in `infra/costs/prices.py`, which has these as well."""

SCAN_DOLLARS_PER_TIB = 6.25
"""BigQuery, bytes scanned on demand (https://cloud.google.com/bigquery/pricing, 2026-11-29)."""
TIB = 2.0**40
