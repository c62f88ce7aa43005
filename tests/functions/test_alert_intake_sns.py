"""Messages of Amazon SNS: which signatures are taken, and who confirms a subscription."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from google.auth.exceptions import TransportError

from functions.alert_intake.sns import Signatures, signed_text
from functions.services.dead_letters import DeadLetter, confirmation
from functions.services.sns_addresses import is_of_sns
from tests.support.fakes.intake import NOW, World, payload

URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0f.pem"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    built = built.serial_number(7).not_valid_before(NOW - timedelta(days=9)).not_valid_after(NOW + timedelta(days=days))
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Amazon:
    """What answers at addresses of SNS; any other one fails the test."""

    data: bytes = field(default_factory=certificate)
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def __call__(self, url: str, **how: Any) -> Any:
        assert is_of_sns(url)
        self.asked.append(how)
        if self.broken:
            raise TransportError("no route")
        return SimpleNamespace(status=self.status, data=self.data)


def world(amazon: Amazon) -> World:
    return World(check=Signatures(lambda: NOW, lambda: amazon).check)


def message(kind: str = "Notification", version: str = "2", **changed: Any) -> dict[str, Any]:
    """A signed message, changed afterwards."""
    alarm = json.loads(payload("aws_cloudwatch_alarm_sns_payload_single_metric.json"))["Records"][0]["Sns"]["Message"]
    own = {"Subject": "ALARM", "Message": alarm} if kind == "Notification" else {}
    body = json.loads(payload("aws_sns_subscription_confirmation.json")) | {"Type": kind, "SigningCertURL": URL} | own
    for name in () if own == {} else ("SubscribeURL", "Token"):
        del body[name]
    body["SignatureVersion"] = version
    how = hashes.SHA1() if version == "1" else hashes.SHA256()
    body["Signature"] = base64.b64encode(KEY.sign(signed_text(body), padding.PKCS1v15(), how)).decode()
    return body | changed


def send(amazon: Amazon, body: dict[str, Any]) -> tuple[World, Any]:
    sent = world(amazon)
    return sent, sent.send(json.dumps(body).encode(), "/sns").json


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_amazon_signed_is_taken_and_its_certificate_is_fetched_once_without_redirects(version: str) -> None:
    amazon = Amazon()
    sent = world(amazon)
    for _ in range(2):
        answer = sent.send(json.dumps(message(version=version)).encode(), "/sns")
        assert answer.json == {"accepted": 1, "parked": 0, "ignored": 0}
    assert amazon.asked == [{"method": "GET", "allow_redirects": False}]


def test_a_subject_that_is_not_there_is_not_signed() -> None:
    assert signed_text({"Type": "Notification", "Message": "m", "Subject": None}) == b"Message\nm\nType\nNotification\n"


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": "{}"},
        {"TopicArn": "arn:aws:sns:us-west-2:123456789012:other"},
        {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.us-west-2.amazonaws.com/?a"},
        {"Signature": "AAAA"},
        {"Signature": "no base64"},
        {"Signature": None},
        {"SignatureVersion": "3"},
        {"SigningCertURL": "https://example.com/SimpleNotificationService-0f.pem"},
        {"SigningCertURL": "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0f.pem"},
        {"SigningCertURL": URL.replace("https", "http")},
        {"SigningCertURL": URL.replace("https://", "https://x@")},
        {"SigningCertURL": URL.removesuffix(".pem")},
        {"SigningCertURL": ""},
    ],
)
def test_what_amazon_did_not_sign_so_is_parked_with_the_reason(changed: dict[str, Any]) -> None:
    sent, answer = send(Amazon(), message(**changed))
    assert answer == {"accepted": 0, "parked": 1, "ignored": 0}
    assert sent.park.reasons[0].startswith("SNS: must be signed by Amazon")
    [heard] = sent.unheard()
    assert "SNS: must be signed by Amazon" in heard.summary


@pytest.mark.parametrize(
    "amazon",
    [Amazon(status=302), Amazon(status=404), Amazon(data=b"nonsense"), Amazon(data=certificate(days=-1))],
    ids=["redirect", "absent", "no certificate", "expired"],
)
def test_without_a_valid_certificate_nothing_is_believed(amazon: Amazon) -> None:
    assert send(amazon, message())[1]["parked"] == 1


@pytest.mark.parametrize("amazon", [Amazon(status=503), Amazon(broken=True)], ids=["status", "network"])
def test_while_the_certificate_cannot_be_fetched_amazon_is_to_send_again(amazon: Amazon) -> None:
    sent = world(amazon)
    assert sent.send(json.dumps(message()).encode(), "/sns").status_code == 503
    assert sent.park.reasons == []


def test_a_subscription_is_for_a_person_who_gets_the_address_of_amazon_only() -> None:
    sent, _ = send(Amazon(), message("SubscriptionConfirmation"))
    [(body, reason, _)] = sent.park.letters
    [finding] = sent.unheard()
    assert "/maintenance" in finding.summary

    def letter(body: bytes, reason: str = reason) -> DeadLetter:
        return DeadLetter(
            id="1",
            received_at=datetime.now(UTC),
            n_parked=1,
            function="alert_intake",
            subscription="",
            message_id="",
            reason=reason,
            attributes={},
            data=body,
        )

    forged = json.loads(body) | {"SubscribeURL": "https://sns.us-west-2.amazonaws.com/?Token=other"}
    for unsigned in (forged, {name: forged[name] for name in ("Type", "SubscribeURL")}):
        again, _ = send(Amazon(), unsigned)
        assert again.park.reasons[0].startswith("SNS: ")
    assert confirmation(letter(body)) == json.loads(body)["SubscribeURL"]
    assert confirmation(letter(body, "Signature: must be that of Amazon SNS")) == ""
    assert confirmation(letter(json.dumps({"SubscribeURL": "https://example.com/"}).encode())) == ""
    assert confirmation(letter(b"nonsense")) == ""
