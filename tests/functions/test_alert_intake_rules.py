"""How foreign words, names and times become ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.events import Finding, Severity, Status, stamp
from functions.alert_intake import words
from functions.alert_intake.reading import instant
from functions.alert_intake.words import severity
from tests.support.fakes.intake import NOW, guide, sent

HOUR = timedelta(hours=1)


def alert(
    status: str = "firing", starts: str = "2026-11-23T10:00:00Z", ends: str = "", **labels: str
) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "SlowQueries", **labels},
        "annotations": {},
        "startsAt": starts,
        "endsAt": ends or "0001-01-01T00:00:00Z",
    }


def webhook(*alerts: dict[str, Any], **fields: Any) -> list[Finding]:
    return sent({"version": "4", "alerts": list(alerts), **fields}, "/alertmanager")


def annotated(**annotations: str) -> Finding:
    [finding] = webhook(alert() | {"annotations": annotations})
    return finding


# Severity


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("critical CRIT fatal Disaster emergency page P1 p0 sev-1 SEV_0 highest", Severity.CRITICAL),
        ("error ERR high major average P2 sev2", Severity.ERROR),
        ("warning warn medium moderate minor low P3 p4 sev3 ticket", Severity.WARNING),
        ("info informational notice none debug P5", Severity.INFO),
        ("unknown 1 5 ? purple criticall infos nothing", Severity.WARNING),
    ],
)
def test_the_words_of_all_systems_are_known_and_an_unknown_one_is_a_warning(spelt: str, meant: Severity) -> None:
    assert {word: severity(word) for word in spelt.split()} == dict.fromkeys(spelt.split(), meant)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", Severity.WARNING),
        ("P1 - Critical", Severity.CRITICAL),
        ("info or so", Severity.WARNING),
        ("x" * 10_000, Severity.WARNING),
        ("\ud800", Severity.WARNING),
    ],
)
def test_severities_of_several_words_never_mean_less_than_a_warning(given: str, meant: Severity) -> None:
    assert severity(given) is meant


def test_every_word_is_in_the_guide() -> None:
    rows = [line for line in guide().splitlines() if line.startswith("| **")]
    told = {row.split("|")[1].strip(" *"): row.split("|")[2].split() for row in rows}
    kept: dict[str, list[str]] = {}
    for word, meant in [*words._SEVERITIES.items(), *words._STATUSES.items()]:
        kept.setdefault(meant.value, []).append(word)
    assert told == kept


# Targets and conditions


@pytest.mark.parametrize(
    ("labels", "target"),
    [
        ({"target": "model/churn", "job": "x"}, "model/churn"),
        ({"target": "https://a.example/health"}, "target/https://a.example/health"),
        ({"job": "node", "instance": "a", "model": "churn"}, "model/churn"),
        ({"job": "node", "instance": "a"}, "service/node"),
        ({"job": "kubelet", "endpoint": "https-metrics", "service": "kubelet"}, "service/kubelet"),
        ({"endpoint": "churn-v2"}, "endpoint/churn-v2"),
        ({"instance": "a:9100"}, "instance/a:9100"),
        ({"region": "eu"}, "alert/SlowQueries"),
        ({"model": "__name__"}, "model/__name__"),
    ],
)
def test_the_most_specific_label_names_the_target(labels: dict[str, str], target: str) -> None:
    [finding] = webhook(alert(**labels))
    assert finding.target == target


def test_alerts_of_one_rule_on_one_target_are_different_conditions() -> None:
    findings = webhook(alert(job="node", instance="a"), alert(job="node", instance="b"), alert(job="node", mount="/"))
    assert {finding.target for finding in findings} == {"service/node"}
    assert len({finding.condition for finding in findings}) == 3
    assert all(finding.kind.startswith("SlowQueries.") for finding in findings)


def test_an_alert_is_one_condition_when_it_fires_and_when_it_is_resolved_in_any_wrapping() -> None:
    ended = alert("resolved", ends="2026-11-23T11:00:00Z", job="db", severity="page")
    fired = alert(job="db", severity="page")
    posted = {name: value for name, value in fired.items() if name != "status"} | {"endsAt": stamp(NOW + HOUR)}
    findings = [*webhook(fired, ended), *sent([posted], "/api/v2/alerts")]
    assert [finding.status for finding in findings] == [Status.FIRING, Status.RESOLVED, Status.FIRING]
    assert len({finding.condition for finding in findings}) == 1
    assert findings[0].id == findings[2].id


def test_rules_that_share_a_name_but_not_a_severity_are_different_conditions() -> None:
    """Else the end of the critical one would end the warning that still fires."""
    warning, critical = webhook(alert(job="db", severity="warning"), alert(job="db", severity="critical"))
    assert warning.condition != critical.condition


def test_the_order_of_labels_does_not_matter() -> None:
    one, other = webhook(alert(a="1", b="2"), alert(b="2", a="1"))
    assert one == other


def test_names_that_differ_in_what_cannot_be_kept_stay_different() -> None:
    names = ["a b", "a\nb", "a\x00b", "a  b", "a\u202eb", "x" * 500, "x" * 501, "__a b"]
    findings = webhook(
        *(alert(model=name) for name in names), *(alert() | {"labels": {"alertname": name}} for name in names)
    )
    assert (
        len({finding.target for finding in findings})
        == len({finding.condition for finding in findings})
        == 2 * len(names)
    )


# Times


def test_a_repeated_firing_is_the_same_finding_and_a_resolved_one_comes_after_it() -> None:
    again = webhook(alert(job="db"), alert(job="db"), alert("resolved", ends="2026-11-23T09:00:00Z", job="db"))
    assert again[0] == again[1]
    assert again[0].observed_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert again[2].observed_at == again[0].observed_at + timedelta(microseconds=1)


@pytest.mark.parametrize("never", ["0001-01-01T00:00:00Z", "", None, 7, "soon", "9999-12-31T23:59:59Z", {}])
def test_what_has_no_end_fires_now(never: Any) -> None:
    [finding] = sent([alert() | {"startsAt": never, "endsAt": never}])
    until = NOW + timedelta(minutes=5)
    assert (finding.status, finding.observed_at, finding.holds_until) == (Status.FIRING, NOW, until)


def test_an_end_that_is_ahead_is_until_when_it_holds_and_one_that_has_come_resolves() -> None:
    ends = [NOW + HOUR, NOW, NOW - HOUR, NOW + timedelta(days=400)]
    findings = sent([alert(ends=stamp(end), starts=stamp(NOW - 2 * HOUR)) for end in ends])
    assert [(one.status.value, one.observed_at, one.holds_until) for one in findings] == [
        ("firing", NOW - 2 * HOUR, NOW + HOUR),
        ("resolved", NOW, None),
        ("resolved", NOW - HOUR, None),
        ("firing", NOW - 2 * HOUR, None),
    ]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2018-12-25T15:47:47.377363608Z", "2018-12-25T15:47:47.377363Z"),
        ("2015-06-03T17:43:27.123+0000", "2015-06-03T17:43:27.123000Z"),
        ("2021-10-12T09:51:03.157076+02:00", "2021-10-12T07:51:03.157076Z"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
        (1746178794, "2025-05-02T09:39:54Z"),
        ("1746178794", "2025-05-02T09:39:54Z"),
        (1746178794000, "2025-05-02T09:39:54Z"),
        (1746178794000000, "2025-05-02T09:39:54Z"),
        (1746178794000000000, "2025-05-02T09:39:54Z"),
    ],
    ids=repr,
)
def test_instants_are_read_in_every_spelling(given: str | float, read: str) -> None:
    found = instant(given)
    assert found is not None
    assert stamp(found) == read


@pytest.mark.parametrize(
    "given",
    [0, "0", -1e300, 1e300, 10**400, "0001-01-01T00:00:00+14:00", True, [], "1" * 9999, "\ud800"],
    ids=lambda given: (
        repr(given)[:30].encode("ascii", "replace").decode()
        if not isinstance(given, int)
        else f"{type(given).__name__}{given.bit_length()}"
    ),
)
def test_what_is_no_instant_of_ours_reads_as_nothing(given: Any) -> None:
    assert instant(given) is None


def test_a_clock_that_runs_far_ahead_is_not_believed() -> None:
    [finding] = webhook(alert(starts="2031-01-01T00:00:00Z"))
    assert finding.observed_at == NOW


# Texts


def test_the_summary_is_the_best_line_there_is() -> None:
    assert annotated(description="d", summary="s", message="m").summary == "s"
    assert annotated(description="d", message="m").summary == "m"
    assert annotated(description="d").summary == "d"
    assert annotated().summary == "SlowQueries on alert/SlowQueries"
    assert annotated(summary="a\n\x1b[31mb\u202e" + "x" * 900).summary.startswith("a [31mb xxx")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://wiki.example.com/runbooks#slow", "https://wiki.example.com/runbooks#slow"),
        ("models.md#drift", "models.md#drift"),
        ("https://me:pw@wiki.example.com/a?token=abc", "https://wiki.example.com/a"),
        ("javascript:alert(1)", ""),
        ("../../etc/passwd.md", ""),
        ("https://a.example/ b", ""),
        ('https://a.example/"><script>', ""),
        ("http://[", ""),
        ("https://a.example/Drift-" + "0f1e2d3c" * 4, "https://a.example/Drift-" + "0f1e2d3c" * 4),
        ("https://hooks.slack.com/services/T0/B0/" + "0f1e2d3c" * 4, ""),
        ("https://a.example/" + "x" * 500, ""),
    ],
)
def test_a_runbook_is_a_web_address_or_a_section_of_ours(given: str, kept: str) -> None:
    assert annotated(runbook_url=given).runbook == kept


SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"login failed, password={SECRET}",
        f'{{"api_key": "{SECRET}"}}',
        f"Authorization: Bearer {SECRET}",
        f"sent Bearer {SECRET} to it",
        f"postgres://me:{SECRET}@db/x is down",
        f"DB_PASSWORD : {SECRET}",
        f"my-token={SECRET}&a=b",
        f"password\x00={SECRET}",
        f"password = 'a {SECRET}'",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    [finding] = webhook(
        alert(session_token=SECRET, note=text, target=text, job="x")
        | {
            "annotations": {"summary": text, "description": text},
            "generatorURL": f"https://a:{SECRET}@b.example/?key=1",
        }
    )
    assert SECRET not in repr(finding)
    assert "[hidden]" in finding.summary


@pytest.mark.parametrize(
    "token",
    [
        "pw=" + SECRET,
        "https://b.example/o?X-Goog-Signature=" + SECRET,
        "https://hooks.slack.com/services/T0/B0/" + SECRET,
        "npm_" + SECRET * 3,
        "glpat-" + SECRET,
        "sk_live_" + SECRET * 2,
        "sk-ant-" + SECRET * 2,
    ],
)
def test_a_token_of_a_known_service_is_hidden(token: str) -> None:
    [finding] = webhook(
        alert(note=token, job="x") | {"annotations": {"summary": f"refused {token}", "runbook_url": token}}
    )
    assert SECRET not in repr(finding)
    assert finding.summary.startswith("refused ")


def test_evidence_is_short_and_prefers_the_place() -> None:
    labels = {
        "zone": "z",
        "aaa": "1",
        "bbb": "2",
        "ccc": "3",
        "ddd": "4",
        "namespace": "n",
        "severity": "info",
        "job": "j",
    }
    [finding] = webhook(alert(**labels) | {"generatorURL": "https://p.example/graph"})
    assert sorted(finding.evidence) == sorted(["namespace", "zone", "aaa", "bbb", "ccc", "link"])


# Cloud Monitoring
