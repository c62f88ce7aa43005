"""The REST surface, policies and unwrapped pushes: what `gcloud pubsub` and clients without gRPC see."""

import base64
import json
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.pubsub_fixtures import PATIENCE, PROJECT, Bus, our_server

PARENT = f"v1/projects/{PROJECT}"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with our_server(tmp_path_factory.mktemp("rest") / "pubsub.sqlite") as running:
        yield running


def _call(bus: Bus, verb: str, path: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(bus.rest + path, data, {"Content-Type": "application/json"}, method=verb)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return dict(json.load(answer))


def _refusal(bus: Bus, verb: str, path: str, body: object = None) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as refused:
        _call(bus, verb, path, body)
    with refused.value as answer:
        return answer.code, json.load(answer)["error"]["status"]


def test_a_message_goes_through_over_rest(bus: Bus) -> None:
    topic, subscription = f"{PARENT}/topics/over-rest", f"{PARENT}/subscriptions/over-rest"
    assert _call(bus, "PUT", topic, {"labels": {"a": "b"}})["name"] == topic.removeprefix("v1/")
    made = _call(bus, "PUT", subscription, {"topic": topic.removeprefix("v1/"), "ackDeadlineSeconds": 33})
    assert made["ackDeadlineSeconds"] == 33
    message = {"data": base64.b64encode(b"one").decode(), "attributes": {"k": "v"}}
    [number] = _call(bus, "POST", f"{topic}:publish", {"messages": [message]})["messageIds"]
    [received] = _call(bus, "POST", f"{subscription}:pull", {"maxMessages": 5})["receivedMessages"]
    assert received["message"]["messageId"] == number
    assert received["message"].items() >= message.items()
    assert _call(bus, "POST", f"{subscription}:acknowledge", {"ackIds": [received["ackId"]]}) == {}
    assert bus.waiting(subscription.removeprefix("v1/")) == []


def test_lists_masks_and_deletions_are_transcoded(bus: Bus) -> None:
    topic = f"{PARENT}/topics/listed"
    _call(bus, "PUT", topic)
    for name in ("one", "two", "three"):
        _call(bus, "PUT", f"{PARENT}/subscriptions/listed-{name}", {"topic": topic.removeprefix("v1/")})
    page = _call(bus, "GET", f"{topic}/subscriptions?pageSize=2&alt=json")
    rest = _call(bus, "GET", f"{topic}/subscriptions?page_token={page['nextPageToken']}")
    assert len(page["subscriptions"]) + len(rest["subscriptions"]) == 3
    path = f"{PARENT}/subscriptions/listed-one"
    wanted = {"subscription": {"ackDeadlineSeconds": 44}, "updateMask": "ackDeadlineSeconds"}
    assert _call(bus, "PATCH", path, wanted)["ackDeadlineSeconds"] == 44
    assert _call(bus, "DELETE", path) == {}
    assert _refusal(bus, "GET", path) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("verb", "path", "body", "expected"),
    [
        ("PUT", "topics/refused", {"nonsense": 1}, (400, "INVALID_ARGUMENT")),
        ("PUT", "topics/x", {}, (400, "INVALID_ARGUMENT")),
        ("GET", "topics?nonsense=1", None, (400, "INVALID_ARGUMENT")),
        ("GET", "topics?pageSize=many", None, (400, "INVALID_ARGUMENT")),
        ("POST", "topics/none:publish", {"messages": [{"data": "b25l"}]}, (404, "NOT_FOUND")),
        ("POST", "topics/none:publish", {"messages": [{"data": "?"}]}, (400, "INVALID_ARGUMENT")),
        ("POST", "topics/none:publish", [], (400, "INVALID_ARGUMENT")),
        ("POST", "topics/none:nonsense", {}, (404, "NOT_FOUND")),
    ],
)
def test_what_is_wrong_is_refused_as_google_does(
    bus: Bus, verb: str, path: str, body: object, expected: tuple[int, str]
) -> None:
    assert _refusal(bus, verb, f"{PARENT}/{path}", body) == expected


def test_a_schema_is_made_over_rest(bus: Bus) -> None:
    schema = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    made = _call(bus, "POST", f"{PARENT}/schemas?schemaId=over-rest", schema)
    assert made["type"] == "AVRO"
    assert _call(bus, "GET", f"{PARENT}/schemas/over-rest?view=FULL") == made


def test_gcloud_works(bus: Bus, tmp_path: Path) -> None:
    program = shutil.which("gcloud")
    if not program:
        pytest.skip("gcloud is absent")
    environment = {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": bus.rest,
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": PROJECT,
    }

    def gcloud(*words: str) -> Any:
        command = [program, "pubsub", *words, "--format=json", "--quiet"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    topic = bus.topic("by-gcloud")
    gcloud("subscriptions", "create", "by-gcloud", "--topic=by-gcloud", "--enable-exactly-once-delivery")
    bus.publish(topic, b"one")
    [received] = gcloud("subscriptions", "pull", "by-gcloud", "--auto-ack")
    assert base64.b64decode(received["message"]["data"]) == b"one"


def test_a_policy_is_kept_until_the_resource_is_deleted(bus: Bus) -> None:
    topic = bus.topic("with-a-policy")
    empty = bus.publisher.get_iam_policy(request={"resource": topic})
    assert list(empty.bindings) == []
    binding = {"role": "roles/pubsub.viewer", "members": ["user:a@example.com"]}
    policy = {"bindings": [binding], "etag": empty.etag}
    kept = bus.publisher.set_iam_policy(request={"resource": topic, "policy": policy})
    assert kept == bus.publisher.get_iam_policy(request={"resource": topic})
    with pytest.raises(exceptions.Aborted):
        bus.publisher.set_iam_policy(request={"resource": topic, "policy": policy})
    asked = ["pubsub.topics.publish", "pubsub.topics.update"]
    tested = bus.publisher.test_iam_permissions(request={"resource": topic, "permissions": asked})
    assert list(tested.permissions) == asked
    bus.publisher.delete_topic(topic=topic)
    with pytest.raises(exceptions.NotFound):
        bus.publisher.get_iam_policy(request={"resource": topic})
    bus.topic("with-a-policy")
    assert list(bus.publisher.get_iam_policy(request={"resource": topic}).bindings) == []


@pytest.mark.parametrize(
    "binding", [{"role": "viewer", "members": ["user:a"]}, {"role": "roles/viewer", "members": ["a"]}]
)
def test_a_policy_that_is_none_is_refused(bus: Bus, binding: Mapping[str, Any]) -> None:
    topic = bus.topic()
    with pytest.raises(exceptions.InvalidArgument):
        bus.publisher.set_iam_policy(request={"resource": topic, "policy": {"bindings": [binding]}})


@pytest.mark.parametrize("write", [True, False])
def test_an_unwrapped_push_has_the_data_alone_and_the_metadata_in_headers_where_asked(bus: Bus, *, write: bool) -> None:
    got: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, {key.lower(): value for key, value in self.headers.items()}))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        push = {"push_endpoint": f"http://127.0.0.1:{server.server_port}/", "no_wrapper": {"write_metadata": write}}
        topic = bus.topic()
        subscription = bus.subscription(topic, push_config=push)
        number = bus.publish(topic, b"raw \0", Colour="bleu", host="elsewhere", accent="é")
        thread.join(timeout=PATIENCE)
    [(body, headers)] = got
    assert body == b"raw \0"
    assert headers["host"].startswith("127.0.0.1")
    assert "accent" not in headers
    metadata = {
        "colour": "bleu",
        "x-goog-pubsub-subscription-name": subscription,
        "x-goog-pubsub-message-id": number,
    }
    assert (headers.items() >= metadata.items()) is write
    assert ("x-goog-pubsub-publish-time" in headers) is write
