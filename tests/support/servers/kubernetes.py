"""The API server of a cluster on loopback over TLS, as far as a deployment is read and scaled: apps/v1 and autoscaling/v1."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from tests.support.servers.targets import server_context

PATH = "/apis/apps/v1/namespaces/shop/deployments/scorer"
Json = dict[str, Any]


class RefusedError(Exception):
    """The API server refuses, with a status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}


@dataclass
class Cluster:
    """A cluster with one deployment, `shop/scorer`.

    Attributes:
        authority: of its certificate.
        replicas: that are asked for.
        ready: that are ready.
        version: of the deployment, which each change raises.
        note: an annotation of the deployment.
        failure: why a rollout does not go on; empty where it does.
        denied: whether every request is refused for want of a permission.
        silent: whether no request is answered.
        losing: whether the connection is closed before the answer of the next request that changes something.
        racing: whether somebody else changes the deployment between a request that reads and one that writes.
        effects: how many requests have changed something.
        tokens: that were sent.
    """

    authority: trustme.CA
    host: str = "127.0.0.1"
    replicas: int = 3
    ready: int = 3
    version: int = 1
    note: str = ""
    failure: str = ""
    denied: bool = False
    silent: bool = False
    losing: bool = False
    racing: bool = False
    effects: int = 0
    tokens: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cluster": self}))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        certificate = self.authority.issue_cert(self.host)
        self._server.socket = server_context(certificate).wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._running = True

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self._server.server_address[1]}"

    def stop(self) -> None:
        self.over.set()
        if self._running:
            self._running = False
            self._server.shutdown()
            self._server.server_close()

    def change(self, replicas: int) -> None:
        """Somebody scales the deployment."""
        self.replicas = replicas
        self.version += 1

    def answer(self, method: str, path: str, body: Json) -> Json:
        if self.denied:
            user = "fn-action-runner@shop.iam.gserviceaccount.com"
            raise RefusedError(403, "Forbidden", f'User "{user}" cannot {method.lower()} resource "deployments/scale"')
        if (method, path) == ("GET", PATH):
            return self._deployment()
        if path != f"{PATH}/scale":
            raise RefusedError(404, "NotFound", f"{path} not found")
        if method == "PUT":
            self._scale(body)
        return self._shown()

    def _scale(self, body: Json) -> None:
        if (body["kind"], body["apiVersion"]) != ("Scale", "autoscaling/v1"):
            raise RefusedError(400, "BadRequest", "the object provided must be a Scale of autoscaling/v1")
        if self.racing:
            self.change(self.replicas + 1)
        if body["metadata"].get("resourceVersion") not in (None, "", str(self.version)):
            raise RefusedError(409, "Conflict", "the object has been modified; please apply your changes to the latest")
        if body["spec"]["replicas"] != self.replicas:
            self.change(body["spec"]["replicas"])
        self.effects += 1

    def _metadata(self) -> Json:
        return {"name": "scorer", "namespace": "shop", "resourceVersion": str(self.version), "uid": "1"}

    def _shown(self) -> Json:
        status = {"replicas": self.ready, "selector": "app=scorer"}
        spec = {"replicas": self.replicas} if self.replicas else {}
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": self._metadata(),
            "spec": spec,
            "status": status,
        }

    def _deployment(self) -> Json:
        progress = {"type": "Progressing", "status": "False" if self.failure else "True", "message": self.failure}
        progress["reason"] = "ProgressDeadlineExceeded" if self.failure else "NewReplicaSetAvailable"
        status = {"replicas": self.ready, "readyReplicas": self.ready, "conditions": [progress]}
        metadata = {**self._metadata(), "annotations": {"note": self.note}}
        return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": metadata, "status": status}


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def _answer(self) -> None:
        cluster = self.cluster
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        cluster.tokens += [self.headers["Authorization"]] if "Authorization" in self.headers else []
        if cluster.silent:
            cluster.over.wait()
            return
        before = cluster.effects
        try:
            code, answer = 200, cluster.answer(self.command, self.path, body)
        except RefusedError as error:
            code, answer = error.code, error.body
        if cluster.losing and cluster.effects > before:
            cluster.losing = False
            self.close_connection = True
            return
        text = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = _answer  # noqa: N815 - the names of the base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""
