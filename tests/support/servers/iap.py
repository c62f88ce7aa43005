"""Identity-Aware Proxy as a service sees it: its public key over HTTP, and the assertions that it signs (ES256)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import jwt
from google.auth.crypt import es

from functions.runtime.iap import HEADER, Iap
from tests.support.servers.answering import Answering, answering

AUDIENCE = "/projects/123/global/backendServices/456"


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs.

    Attributes:
        iap: verifies its assertions.
        key: signs them.
        server: gives its public key.
    """

    iap: Iap
    key: ec.EllipticCurvePrivateKey
    server: Answering

    def headers(self, person: str, key: ec.EllipticCurvePrivateKey | None = None, **claims: Any) -> dict[str, str]:
        """The headers of a request of a person, perhaps with other claims, signed with another key."""
        now = int(datetime.now(UTC).timestamp())
        told = {"iss": "https://cloud.google.com/iap", "aud": AUDIENCE, "email": person, "sub": "accounts.google.com:1"}
        told |= {"iat": now - 10, "exp": now + 590}
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        signer: Any = es.EsSigner
        return {HEADER: jwt.encode(signer.from_string(pem, "k1"), told | claims).decode()}


@contextmanager
def proxy() -> Iterator[Proxy]:
    """A proxy before the service of `AUDIENCE`."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with answering(body=json.dumps({"k1": public.decode()}).encode()) as server:
        yield Proxy(Iap(audience=AUDIENCE, keys=server.url), key, server)
