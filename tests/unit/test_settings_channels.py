"""The channels of the settings: what each kind may say, and that no fault shows a secret."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import Settings, parse
from core.settings.channels import (
    KINDS,
    Channel,
    ConsoleChannel,
    EmailChannel,
    Encryption,
    PagerdutyChannel,
    SlackChannel,
    TeamsChannel,
    WebhookChannel,
    secrets,
)
from core.settings.declare import declared
from core.settings.notes import Mark, Reads
from tests.support.builders.settings import JUNK, changed, faults, outcome, told

KEY = "0123456789abcdef0123456789ABCDEF"
SECRET = "hunter2"
CHANNELS: list[dict[str, Any]] = [
    {"name": "log", "kind": "console"},
    {"name": "hook", "kind": "webhook", "url": "https://example.com/hunter2", "secret": "hunter2", "per_minute": 60},
    {"name": "pager", "kind": "pagerduty", "key": KEY, "per_minute": 120},
    {"name": "chat", "kind": "slack", "url": "https://hooks.slack.example/services/T0/B0/hunter2"},
    {"name": "bot", "kind": "slack", "token": "xoxb-hunter2", "room": "#alerts", "per_minute": 50},
    {"name": "flow", "kind": "teams", "url": "https://logic.example/invoke?sig=hunter2", "per_minute": 30},
    {
        "name": "mail",
        "kind": "email",
        "host": "mail.example.com",
        "user": "monitoring",
        "password": "hunter2",
        "sender": "monitoring@example.com",
        "to": ["on-call@example.com", "ops+pages@example.com"],
    },
]
BY_NAME = {channel["name"]: channel for channel in CHANNELS}


def read(*channels: object) -> Settings:
    return parse({"version": 1, "jobs": {}, "channels": list(channels)})


def told_of(name: str, **changes: object) -> list[str]:
    """The faults of one channel of the sample that is changed; `...` takes a key away."""
    channel = {key: value for key, value in (BY_NAME[name] | changes).items() if value is not ...}
    return [fault.removeprefix("channels[0].") for fault in faults({"version": 1, "jobs": {}, "channels": [channel]})]


def test_every_kind_of_channel_is_read_whole() -> None:
    assert read(*CHANNELS).channels == (
        ConsoleChannel(name="log"),
        WebhookChannel(name="hook", url="https://example.com/hunter2", secret="hunter2", per_minute=60),
        PagerdutyChannel(name="pager", key=KEY, url="https://events.pagerduty.com/v2/enqueue", per_minute=120),
        SlackChannel(name="chat", url="https://hooks.slack.example/services/T0/B0/hunter2", per_minute=60),
        SlackChannel(name="bot", token="xoxb-hunter2", room="#alerts", api="https://slack.com/api", per_minute=50),
        TeamsChannel(name="flow", url="https://logic.example/invoke?sig=hunter2", per_minute=30),
        EmailChannel(
            name="mail",
            host="mail.example.com",
            port=587,
            encryption=Encryption.STARTTLS,
            user="monitoring",
            password="hunter2",
            sender="monitoring@example.com",
            to=("on-call@example.com", "ops+pages@example.com"),
        ),
    )


def test_what_is_left_out_is_what_the_types_say() -> None:
    url, mail = "https://example.com/", {"host": "a.b", "sender": "a@b.c", "to": ["d@e.f"]}
    hook, pager, chat, post = read(
        {"name": "a", "kind": "webhook", "url": url},
        {"name": "b", "kind": "pagerduty", "key": KEY},
        {"name": "c", "kind": "slack", "url": url},
        {"name": "d", "kind": "email", **mail},
    ).channels
    assert hook == WebhookChannel(name="a", url=url)
    assert pager == PagerdutyChannel(name="b", key=KEY)
    assert chat == SlackChannel(name="c", url=url)
    assert post == EmailChannel(name="d", host="a.b", sender="a@b.c", to=("d@e.f",))


@pytest.mark.parametrize(("encryption", "port"), [("tls", 465), ("starttls", 587), ("none", 25)])
def test_the_port_of_a_mail_server_follows_its_encryption(encryption: str, port: int) -> None:
    mail = BY_NAME["mail"] | {"encryption": encryption, "host": "localhost"}
    [channel] = read(mail).channels
    assert isinstance(channel, EmailChannel)
    assert (channel.encryption, channel.port) == (encryption, port)
    [channel] = read(mail | {"port": 2525}).channels
    assert isinstance(channel, EmailChannel)
    assert channel.port == 2525


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("hook", {"url": ...}, "url: must be given, got None"),
        ("hook", {"per_minute": 0}, "per_minute: must be 1 to 6000, got 0"),
        ("hook", {"secret": ""}, "secret: must be 1 to 200 printable characters, got ''"),
        ("hook", {"secrt": "x"}, "secrt: must be a known key (perhaps 'secret'), got 'secrt'"),
        ("log", {"url": "https://a.b/"}, "url: must be a known key: kind, name, got 'url'"),
        ("pager", {"key": ...}, "key: must be given, got None"),
        ("pager", {"key": "short"}, "key: must be an integration key: 32 letters and digits, got 'a hidden value'"),
        ("pager", {"key": KEY + "\n"}, "key: must be an integration key: 32 letters and digits, got 'a hidden value'"),
        ("pager", {"per_minute": 121}, "per_minute: must be 1 to 120, got 121"),
        (
            "pager",
            {"url": "http://events.example.com/v2"},
            "url: must be an https URL, or one of this machine, got 'http://events.example.com/…'",
        ),
        ("chat", {"per_minute": 61}, "per_minute: must be 1 to 60, got 61"),
        ("chat", {"url": "http://a.b/"}, "url: must be an https URL, or one of this machine, got 'http://a.b/…'"),
        ("chat", {"token": "xoxb"}, "token: must not be given where url is given, got 'a hidden value'"),
        ("chat", {"room": "#a"}, "room: must not be given where url is given, got '#a'"),
        (
            "chat",
            {"api": "https://a.b/api"},
            "api: must not be given where url is given, got 'https://a.b/…'",
        ),
        ("bot", {"token": ...}, "token: must be given where url is not, got None"),
        ("bot", {"room": ...}, "room: must be given where url is not, got None"),
        ("bot", {"room": "two words"}, "room: must be a channel of Slack, by its id or by its name, as in '#alerts'"),
        ("bot", {"api": "http://a.b/api"}, "api: must be an https URL, or one of this machine, got 'http://a.b/…'"),
        ("flow", {"url": ...}, "url: must be given, got None"),
        ("flow", {"url": "http://a.b/"}, "url: must be an https URL, or one of this machine, got 'http://a.b/…'"),
        ("flow", {"per_minute": 121}, "per_minute: must be 1 to 120, got 121"),
        ("mail", {"host": "mail example"}, "host: must be a host name or an IP address, got 'mail example'"),
        ("mail", {"port": 65536}, "port: must be 1 to 65535, got 65536"),
        ("mail", {"encryption": "ssl"}, "encryption: must be one of tls, starttls, none, got 'ssl'"),
        (
            "mail",
            {"encryption": "none"},
            "encryption: must be tls or starttls where a password is sent to another machine, got 'none'",
        ),
        ("mail", {"user": ...}, "user: must be given where password is given, got None"),
        ("mail", {"password": ...}, "password: must be given where user is given, got None"),
        ("mail", {"sender": "Monitoring <m@a.b>"}, "sender: must be an e-mail address, as in 'on-call@example.com'"),
        ("mail", {"sender": "a@b.c\nBcc: d@e.f"}, "sender: must be an e-mail address"),
        ("mail", {"sender": "a.@b.c"}, "sender: must be an e-mail address"),
        ("mail", {"sender": "a@-b"}, "sender: must be an e-mail address"),
        ("mail", {"to": []}, "to: must be a list of at least 1"),
        ("mail", {"to": ["a@b.c", "a@b.c"]}, "to[1]: must be named once, got 'a@b.c'"),
        ("mail", {"to": [3]}, "to[0]: must be an e-mail address, as in 'on-call@example.com', got 3"),
        ("mail", {"per_minute": 601}, "per_minute: must be 1 to 600, got 601"),
    ],
)
def test_a_channel_says_all_it_needs_and_nothing_else(name: str, changes: dict[str, object], fault: str) -> None:
    [found] = told_of(name, **changes)
    assert found.startswith(fault)


def test_a_slack_channel_of_no_address_is_told_of_both_ways() -> None:
    assert told_of("chat", url=...) == [
        "token: must be given where url is not, got None",
        "room: must be given where url is not, got None",
    ]


def test_a_kind_that_is_not_known_is_the_only_fault_of_a_channel() -> None:
    [fault] = told_of("pager", kind="pager")
    assert fault.startswith(
        "kind: must be one of console, webhook, pagerduty, slack, teams, email (perhaps 'pagerduty'), got 'pager'"
    )


def test_a_mail_server_may_go_without_encryption_where_no_password_leaves_the_machine() -> None:
    for changes in ({"host": "127.0.0.1"}, {"host": "::1"}, {"host": "localhost"}):
        assert len(read(BY_NAME["mail"] | {"encryption": "none"} | changes).channels) == 1
    relay = {key: value for key, value in BY_NAME["mail"].items() if key not in ("user", "password")}
    assert len(read(relay | {"encryption": "none"}).channels) == 1


def test_what_holds_a_key_may_be_sent_to_this_machine_without_encryption() -> None:
    [pager, bot] = read(
        BY_NAME["pager"] | {"url": "http://127.0.0.1:8099/v2/enqueue"},
        BY_NAME["bot"] | {"api": "http://localhost:8099/api"},
    ).channels
    assert isinstance(pager, PagerdutyChannel)
    assert isinstance(bot, SlackChannel)
    assert (pager.url, bot.api) == ("http://127.0.0.1:8099/v2/enqueue", "http://localhost:8099/api")


@pytest.mark.parametrize(
    ("name", "key"), [("hook", "secret"), ("pager", "key"), ("bot", "token"), ("mail", "password")]
)
@pytest.mark.parametrize("value", ["hunter2\n", "hunter2" * 99, ["hunter2"], {"hunter2": 1}, "\0hunter2"])
def test_no_fault_shows_a_secret_that_is_wrong(name: str, key: str, value: object) -> None:
    [fault] = told_of(name, **{key: value})
    assert fault.startswith(f"{key}: must be ")
    assert SECRET not in fault


@pytest.mark.parametrize("name", ["hook", "chat", "flow"])
@pytest.mark.parametrize(
    "value", ["hunter2", "ftp://a.b/hunter2", "https://hunter2@a b/hunter2", "https://a b/hunter2", ["hunter2"], 7]
)
def test_no_fault_shows_more_of_a_url_than_its_host(name: str, value: object) -> None:
    [fault] = told_of(name, url=value)
    assert fault.startswith("url: must be an http or https URL with a host, got ")
    assert SECRET not in fault


@pytest.mark.parametrize(
    ("name", "key"), [("hook", "secret"), ("pager", "key"), ("bot", "token"), ("mail", "password")]
)
def test_a_secret_that_yaml_takes_for_a_number_is_not_shown(name: str, key: str) -> None:
    [fault] = told_of(name, **{key: 20251231})
    assert "20251231" not in fault
    assert fault.endswith("got 'a hidden value'")


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_empty_is_told_to_be(value: object) -> None:
    [fault] = told_of("mail", password=value)
    assert fault.endswith(f"got {value!r}")


@pytest.mark.parametrize(
    "channels",
    [
        "https://hooks.slack.example/hunter2",
        "hunter2",
        ["https://hooks.slack.example/hunter2"],
        ["hunter2"],
        # what YAML makes of {name: x, kind: webhook, url:https://…}, {… password:hunter2} and {… key=hunter2}
        [{"name": "x", "kind": "webhook", "url:https://hooks.slack.example/hunter2": None}],
        [BY_NAME["mail"] | {"password:hunter2": None}],
        [BY_NAME["pager"] | {"key=hunter2": None}],
        [{"kind": "fax", "name": "x", "password:hunter2": None}],
        # what belongs to another key
        [BY_NAME["bot"] | {"room": "https://hooks.slack.example/services/hunter2"}],
        [BY_NAME["mail"] | {"host": "smtp://monitoring:hunter2@mail.example.com"}],
        [BY_NAME["mail"] | {"host": "monitoring:hunter2@mail.example.com:25"}],
        [BY_NAME["mail"] | {"https://a.b/hunter2": 1}],
    ],
)
def test_no_fault_shows_a_secret_in_the_wrong_place(channels: object) -> None:
    shown = "\n".join(faults({"version": 1, "jobs": {}, "channels": channels}))
    assert SECRET not in shown


def test_a_key_that_runs_on_into_its_value_is_told_where_the_space_is_missing() -> None:
    assert told_of("mail", **{"per_minute:60": None}) == [
        "per_minute: must be followed by a colon and a space, got 'per_minute:…'"
    ]


def test_every_kind_is_in_the_sample() -> None:
    assert {channel["kind"] for channel in CHANNELS} == set(KINDS)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel["name"])
def test_what_a_channel_holds_of_the_sample_s_secrets_it_knows_to_be_one(channel: dict[str, Any]) -> None:
    held = {key for key, value in channel.items() if SECRET in str(value) or value == KEY}
    assert held <= secrets(KINDS[channel["kind"]])


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
def test_a_secret_is_hidden_in_faults_and_in_texts_alike(kind: type[Channel]) -> None:
    marked = {one.name for one in declared(kind) if one.has(Mark.SECRET)}
    hidden_by_their_host = {one.name for one in declared(kind) if one.spec.note(Reads)}
    assert marked <= secrets(kind) <= marked | hidden_by_their_host


def test_no_text_of_the_channels_shows_a_secret() -> None:
    shown = repr(read(*CHANNELS))
    assert SECRET not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        ("pager", {}, "key: must not be the key of another channel ('pager'), got 'a hidden value'"),
        ("chat", {}, "url: must not be the url of another channel ('chat'), got 'a hidden value'"),
        ("flow", {}, "url: must not be the url of another channel ('flow'), got 'a hidden value'"),
        ("bot", {"room": "alerts"}, "room: must not be the room of another channel ('bot'), got 'alerts'"),
    ],
)
def test_two_channels_that_lead_to_one_place_are_refused(first: str, second: dict[str, object], fault: str) -> None:
    channels = [*CHANNELS, BY_NAME[first] | {"name": "again"} | second]
    found = faults({"version": 1, "jobs": {}, "channels": channels})
    assert found == [f"channels[{len(CHANNELS)}].{fault}"]
    assert SECRET not in str(found)


def test_channels_of_one_kind_that_lead_to_different_places_stand_beside_each_other() -> None:
    others = [
        BY_NAME["pager"] | {"name": "pager-2", "key": KEY[::-1]},
        BY_NAME["chat"] | {"name": "chat-2", "url": "https://hooks.slack.example/services/T0/B1/hunter2"},
        BY_NAME["bot"] | {"name": "bot-2", "room": "#models"},
        BY_NAME["bot"] | {"name": "bot-3", "token": "xoxb-other"},
    ]
    assert len(read(*CHANNELS, *others).channels) == len(CHANNELS) + 4


@given(JUNK)
def test_any_junk_for_channels_is_refused_with_faults_and_nothing_else(raw: object) -> None:
    assert told({"version": 1, "jobs": {}, "channels": raw})


@given(st.integers(0, len(CHANNELS) - 1), st.data(), JUNK)
def test_junk_in_a_channel_is_refused_with_faults_or_is_right(index: int, data: st.DataObject, junk: object) -> None:
    key = data.draw(st.sampled_from(sorted(CHANNELS[index])))
    assert told(
        changed({"version": 1, "jobs": {}, "channels": copy.deepcopy(CHANNELS)}, ("channels", index, key), junk)
    )


@given(
    st.text(alphabet="QXZqxz4$\n é", min_size=8, max_size=60), st.sampled_from(["secret", "key", "token", "password"])
)
def test_no_secret_of_any_form_is_shown(secret: str, key: str) -> None:
    name = {"secret": "hook", "key": "pager", "token": "bot", "password": "mail"}[key]
    found = outcome({"version": 1, "jobs": {}, "channels": [BY_NAME[name] | {key: secret}]})
    shown = repr(found) if isinstance(found, Settings) else str(found)
    assert secret not in shown
