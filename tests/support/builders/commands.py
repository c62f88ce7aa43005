"""Commands to the API, and what it says of them."""

import json
from typing import Any

from werkzeug.test import Client, TestResponse

OPEN, OVER = "service-a-20261123-00000001", "service-b-20261123-00000002"


ACTION = f"{OPEN}:1:rollback_model:model//churn?x=1"


CALLS = [
    (f"/v1/incidents/{OPEN}/acknowledge", {}),
    (f"/v1/actions/{ACTION.replace('?', '%3F')}/approve", {}),
    ("/v1/silences", {"pattern": "model/*", "minutes": 5}),
    ("/v1/silences/end", {"pattern": "table/*"}),
    ("/v1/automation/halt", {"action": "*"}),
]
"""Every command there is, by one of its verbs."""


def tell(client: Client, path: str, **body: Any) -> TestResponse:
    return client.post(path, json={"by": "Ada", **body})


def fault(response: TestResponse) -> str:
    said: str = json.loads(response.data)["detail"]
    return said
