"""Messages for tests of the channels: a usual one, and any."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from core.events import Change, Severity
from core.incidents.messages import Fact, Message

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)
MESSAGE = Message(
    key="model-m-20260102-1a2b3c4d:1:people",
    channel="people",
    incident_id="model-m-20260102-1a2b3c4d",
    change=Change.OPENED,
    severity=Severity.CRITICAL,
    category="drift",
    target="model/m",
    title="departure_delay drifted ✈",
    text="New: model/m is critical.\nObserved 0.61: 3.0 times the threshold of 0.2.",
    facts=(
        Fact(name="Impact", text="$1,200 an hour"),
        Fact(name="Evidence", text="departure_delay: PSI 0.61, KS 0.3; " * 4),
    ),
    url="http://pages.example/#incident=model-m-20260102-1a2b3c4d",
    runbook="https://runbooks.example/models#drift",
    at=NOW,
)

NASTY = st.sampled_from(
    [
        "<!channel> <@U123> <https://evil.example|click> `*_~```",
        "a\r\nBcc: everyone@example.com\r\n\r\nbody",
        "=?utf-8?q?=0D=0ABcc:_x?=",
        "<script>alert(1)</script>&amp;&#60;",
        "\x00\x1b[31m\u202e\u2028\ud800 x",
        "💥" * 3000,
        "&" * 5000,
        '"\\' * 5000,
        " ",
        "\n" * 3000 + "x",
        "http://[",
        "https://x.example/" + "y" * 5000,
        "javascript:alert(1)",
        "https://ok.example/a?b=c&d=%20",
    ]
)
TEXTS = st.text(max_size=200) | NASTY | st.text(alphabet=st.characters(), max_size=50).map(lambda text: text * 200)
FACTS = st.lists(st.builds(Fact, name=TEXTS, text=TEXTS), max_size=60).map(tuple)
MESSAGES = st.builds(
    Message,
    key=TEXTS,
    channel=st.just("people"),
    incident_id=TEXTS,
    change=st.sampled_from(Change),
    severity=st.sampled_from(Severity),
    category=TEXTS,
    target=TEXTS,
    title=TEXTS,
    text=TEXTS,
    facts=FACTS,
    url=TEXTS,
    runbook=TEXTS,
    at=st.datetimes(
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
        timezones=st.just(UTC),
    ),
    missed=st.booleans(),
)
