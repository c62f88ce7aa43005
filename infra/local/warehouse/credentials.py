"""A throw-away service account: BigQuery's client asks for a token even when it talks to an emulator.

The file has a token that does not expire, so the unmodified client neither requests one nor, as it would for
a service account, looks up where the account may be used. The token opens nothing.
"""

import json
from pathlib import Path

_ACCOUNT = {
    "type": "authorized_user",
    "client_id": "local",
    "client_secret": "local",
    "refresh_token": "local",
    "token": "local",
    "expiry": "2999-12-31T23:59:59Z",
}


def write_credentials(path: Path) -> Path:
    """Write the file that `GOOGLE_APPLICATION_CREDENTIALS` names, and return its path; an older one is replaced."""
    path.write_text(json.dumps(_ACCOUNT))
    return path
