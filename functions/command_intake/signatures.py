"""Signatures of requests, as Slack, PagerDuty and MLflow document them; every comparison takes the same time.

Slack       `X-Slack-Signature: v0=` and the HMAC-SHA-256 of `v0:TIMESTAMP:BODY`; `X-Slack-Request-Timestamp` at most five
            minutes away
PagerDuty   `X-PagerDuty-Signature`: `v1=` and the HMAC-SHA-256 of the body, one for each secret while they rotate, separated
            by commas; no time is signed
MLflow      `X-MLflow-Signature: v1,` and the HMAC-SHA-256 of `DELIVERY.TIMESTAMP.BODY` in base64, with the headers
            `X-MLflow-Delivery-Id` and `X-MLflow-Timestamp`, at most five minutes away

Sources: docs.slack.dev, "Verifying requests from Slack"; PagerDuty/developer-docs, `docs/webhooks/04-Signatures.md`;
mlflow.org, "Webhooks".
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

WINDOW = timedelta(minutes=5)
"""How far the timestamp of a request may be away."""
MOST = 20
"""Signatures of one header that are looked at."""


def slack(secret: str, body: bytes, *, timestamp: str, signature: str, now: datetime) -> bool:
    """Whether Slack signed the body, at most five minutes ago."""
    if not _is_recent(timestamp, now):
        return False
    expected = _digest(secret, b"v0:" + timestamp.encode() + b":" + body)
    return _same(f"v0={expected}", signature)


def mlflow(secret: str, body: bytes, *, delivery: str, timestamp: str, signature: str, now: datetime) -> bool:
    """Whether MLflow signed the body, at most five minutes ago."""
    signed = f"{delivery}.{timestamp}.".encode(errors="replace") + body
    expected = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
    return _is_recent(timestamp, now) and _same(f"v1,{expected}", signature)


def pagerduty(secrets: Iterable[str], body: bytes, header: str) -> bool:
    """Whether PagerDuty signed the body with one of the secrets."""
    given = [one.strip() for one in header.split(",", MOST)[:MOST]]
    expected = [f"v1={_digest(secret, body)}" for secret in secrets]
    return any([_same(one, other) for one in expected for other in given])  # noqa: C419 - each is compared


def sent_at(timestamp: str) -> datetime:
    """The instant of a timestamp that was checked."""
    return datetime.fromtimestamp(int(timestamp), UTC)


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004 - seconds since 1970
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def _digest(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
