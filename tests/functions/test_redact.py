"""What must not reach people does not: secrets of every kind in the forms in which logs have them. None of them is real."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters import redact as rules
from functions.adapters.redact import HIDDEN, is_secret, pattern_of, redact

SECRET = "h+nter2/Xy"
KEY_LINES = "MIIEvQIBADANBgkqh\nkiG9w0BAQEFAASC"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f"password: {SECRET}",
        f"pw={SECRET}",
        f"PASSWORD = '{SECRET}'",
        f'{{"db_password": "{SECRET}", "user": "ann"}}',
        f"{{'password': '{SECRET}'}}",
        f'{{\\"password\\": \\"{SECRET}\\"}}',
        f'{{"password": "{SECRET}',
        f"DB_PASSWORD={SECRET}",
        f"spring.datasource.password={SECRET}",
        f"dbPassword: {SECRET}",
        f"the password is {SECRET}",
        f'password "{SECRET}" was refused',
        f"passphrase=>{SECRET}",
        f"<password>{SECRET}</password>",
        f"login --password {SECRET} --user ann",
        f"login --api-key {SECRET}",
        f"api_key={SECRET}",
        f"apiKey={SECRET}",
        f"X-Api-Key: {SECRET}",
        f"client_secret={SECRET}&grant_type=code",
        f"https://shop.example/?user=ann&access_token={SECRET}",
        f"https://storage.example/o?X-Goog-Signature={SECRET}",
        f"redirect?next=%2F&token%3D{SECRET}",
        f"secretKey={SECRET}",
        f"AccountKey={SECRET};EndpointSuffix=core.example",
        f"Authorization: Basic {SECRET}",
        f"authorization: Bearer {SECRET}, retrying",
        f"headers={{'Authorization': 'Bearer {SECRET}', 'Accept': '*/*'}}",
        f'{{\\"Authorization\\":\\"Token token={SECRET}\\"}}',
        f"Proxy-Authorization: Digest username=ann, response={SECRET}",
        f"Cookie: a=1; session={SECRET}; b=2",
        f"Set-Cookie: id={SECRET}; HttpOnly",
        f"sent Bearer {SECRET} to api",
        f"postgres://ann:{SECRET}@db.example:5432/shop",
        "redis://:h+nter2Xy@cache.example:6379/0",
        f"dial ann:{SECRET}@tcp(db.example:3306)/shop".replace("/Xy", "Xy"),
        f"session_id={SECRET}",
    ],
)
def test_a_value_that_is_named_as_a_secret_is_hidden(text: str) -> None:
    hidden = redact(text)
    assert HIDDEN in hidden
    assert "h+nter2" not in hidden
    assert "Xy" not in hidden


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN PRIVATE KEY-----\n{KEY_LINES}\n-----END PRIVATE KEY-----\n",
        f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_LINES}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{KEY_LINES}\n-----END PGP PRIVATE KEY BLOCK-----",
        '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqh\\nkiG9w0BAQEFAASC\\n-----END PRIVATE KEY-----\\n"}',
    ],
)
def test_a_private_key_is_hidden_as_a_whole(text: str) -> None:
    hidden = redact(text)
    assert "MIIE" not in hidden
    assert "kiG9" not in hidden


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
        "ya29.a0AfH6SMBx-abc_def",
        "AIza" + "SyA" + "b1" * 16,
        "GOCSPX-abcdefghijkl",
        "1//0gabcdefghijklmnopqrstuv",
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 5,
        "xoxb-" + "123456789012-abcdefghijkl",
        "hooks.slack.com/services/" + "T0/B0/abcdef",
        "npm_" + "a1B2" * 9,
        "sk-ant-" + "api03-" + "a1B2" * 8,
        "sk_live_" + "a1B2" * 6,
        "sk-" + "a1B2" * 8,
        "hf_" + "aBcD" * 8,
        "SG." + "a1B2" * 6 + ".abc",
        HEX,
        HEX.upper(),
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aB3-" * 10,
    ],
)
def test_a_token_is_known_by_its_looks(token: str) -> None:
    hidden = redact(f"refused {token} by upstream")
    assert token[6:20] not in hidden
    assert hidden.startswith("refused ")


@pytest.mark.parametrize(
    "text",
    [
        "order 4711: database timed out after 30 s",
        "GET /v1/orders?page=2&sort=asc 503 in 812 ms",
        "File /usr/lib/python3.11/site-packages/google/api_core/grpc_helpers.py, line 72, in error_remapped_callable",
        "KeyError: 'carrier'",
        "projects/677687165274/locations/us-central1/modelDeploymentMonitoringJobs/2612345678901234567 failed",
        "model flight-delay-2026-11-23-candidate has no endpoint",
        "basic authentication failed for ann",
        "the author of this is unknown",
        "monkey business: none",
    ],
)
def test_what_is_no_secret_is_left(text: str) -> None:
    assert redact(text) == text


def test_a_secret_with_quotes_in_it_is_hidden_as_a_whole() -> None:
    assert redact(r'{"password": "ab\"cd ef", "user": "ann"}') == f'{{"password": {HIDDEN}, "user": "ann"}}'


def test_a_long_text_is_cut_between_words() -> None:
    hidden = redact("word " * 1999 + "password=" + "hunter2" * 10)
    assert "hunter2" not in hidden
    assert redact("x" * 20_000) == ""


@pytest.mark.parametrize(
    "piece", ["a.", "password", "a:", "://", "-----BEGIN PRIVATE KEY-----", "Aa1+", "--key ", '"\\', "é"]
)
def test_no_text_takes_long(piece: str) -> None:
    redact(piece * (10_000 // len(piece)))  # the time limit of the tests is what it must keep to


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 4711 took 3.2 s", "order 12 took 14 s"),
        ("job 3f2a9c1e-1111-2222-3333-444455556666 died", "job 00000000-aaaa-bbbb-cccc-ddddeeeeffff died"),
        ("2026-11-23T12:00:00.123Z down", "2026-11-24 13:01:02,5 down"),
        ("10.0.0.1:5432 refused", "192.168.1.20:80 refused"),
        ("ann@example.com unknown", "bob.b@mail.example.org unknown"),
        ("object at 0x7fbe7b2c4fa0", "object at 0x1"),
        ("commit 9f86d081 failed", "commit 00ab12f failed"),
        ("two  spaces", "two\tspaces"),
        ("first\nsecond", "first\nthird"),
    ],
)
def test_messages_that_differ_in_what_they_are_about_are_one(one: str, other: str) -> None:
    assert pattern_of(one) == pattern_of(other)


def test_messages_that_say_other_things_are_not_one() -> None:
    assert len({pattern_of(text) for text in ("timeout of orders", "timeout of carts", "refused by orders")}) == 3


def test_a_service_account_stays_readable() -> None:
    assert "exporter@shop.iam.gserviceaccount.com" in pattern_of("denied for exporter@shop.iam.gserviceaccount.com")


def test_a_traceback_is_told_by_its_error() -> None:
    text = 'Traceback (most recent call last):\n  File "main.py", line 3, in main\n    f()\nValueError: no rows\n'
    assert pattern_of(text) == "ValueError: no rows"


def test_nothing_unprintable_is_left() -> None:
    assert pattern_of("a\x1b[31mred\x00\u202e") == "a[#mred"


@given(
    st.lists(
        st.sampled_from(
            [
                "passed",
                "key",
                "Sid",
                "=",
                ":",
                " ",
                "a1",
                "x" * 31,
                "github_pat_",
                "ghp_",
                "ya29.",
                "SG.",
                "sk-",
                "xapp-",
                "npm_",
                "a" * 16,
                "//",
                '"',
                "é",
                "-",
            ]
        )
        | st.text()
    )
)
def test_a_text_without_any_hint_holds_nothing_that_a_rule_would_hide(pieces: list[str]) -> None:
    text = "".join(pieces)[:10_000]
    ruled = text
    for pattern, instead in rules._RULES + rules._RANDOM:
        ruled = pattern.sub(instead, ruled)
    assert redact(text) == ruled


@pytest.mark.parametrize("name", ["pw", "DB_PASSWORD", "X-Goog-Signature", "access_key", "my-token", "Cookie"])
def test_a_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["pod", "departure_delay", "key", "author", "power"])
def test_other_names_are_shown(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        "prompt_tokens: 100.0% of the rows are missing, at most 6.6% is usual",
        "key: 12% of the rows",
        "completion_tokens: 0.57 sd up",
        "maxTokens: 3.4% of the rows",
    ],
)
def test_a_share_of_what_is_called_like_a_secret_is_shown(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("value", ["100%x", "100%%", "100%25abc", "0.57 sdx", "12345678901%", "1234567", "0.57"])
def test_what_only_begins_like_a_share_is_hidden(value: str) -> None:
    assert redact(f"password: {value} is it").startswith("password: [hidden]")
