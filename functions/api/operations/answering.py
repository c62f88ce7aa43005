"""What people answer with: actions, silences, channels, reports, and who is on call."""

from functools import partial

from core.access import Role
from core.events import Verb
from core.reports.document import Report
from functions.api.operation import Kind, act, get
from functions.api.request import Request
from functions.api.services import Services
from functions.services.api_schemas import bodies
from functions.services.api_schemas.incidents import Actions, Channel, OnCall, Reports, Silence
from functions.services.api_schemas.system import Decision, Recommendation, Taken

_REPORT = "/reports/{name}/{week}"


def _answer(services: Services, request: Request, request_id: str, *, verb: Verb) -> str:
    return services.commands.about_action(request, request_id, verb)


def _switch(services: Services, request: Request, *, verb: Verb) -> str:
    return services.commands.switch(request, verb)


OPERATIONS = (
    get(
        "/actions",
        "actions",
        "Automated actions: those that wait, recent ones, and the switches",
        Actions,
        lambda services, _request: services.actions.all(),
        measures=True,
        patience=5.0,
    ),
    *(
        act(
            f"/actions/{{request_id}}/{verb.value}",
            f"{verb.value}_action",
            summary,
            bodies.Said,
            partial(_answer, verb=verb),
            role=Role.OPERATOR,
            converts={"request_id": "path"},
        )
        for verb, summary in ((Verb.APPROVE, "Approve an action that awaits it"), (Verb.REJECT, "Reject it"))
    ),
    *(
        act(
            f"/automation/{verb.value}",
            verb.value,
            summary,
            bodies.Switched,
            partial(_switch, verb=verb),
            role=Role.OPERATOR,
        )
        for verb, summary in (
            (Verb.HALT, "Stop an action, or all of them"),
            (Verb.RESUME, "Allow what was stopped again"),
        )
    ),
    get(
        "/silences",
        "silences",
        "Active silences, by their end",
        list[Silence],
        lambda services, _request: services.silences.all(),
        measures=True,
    ),
    act(
        "/silences",
        "silence",
        "Mute notifications of some targets",
        bodies.Silenced,
        lambda services, request: services.commands.silence(request),
        role=Role.RESPONDER,
    ),
    act(
        "/silences/end",
        "unsilence",
        "End the silences of a pattern",
        bodies.Unsilenced,
        lambda services, request: services.commands.unsilence(request),
        role=Role.RESPONDER,
    ),
    get(
        "/channels",
        "channels",
        "Notification channels, and the newest test of each",
        list[Channel],
        lambda services, _request: services.channels.all(),
        measures=True,
    ),
    act(
        "/channels/{name}/test",
        "test_channel",
        "Send a test message through a channel",
        bodies.Said,
        lambda services, request, name: services.commands.test_channel(request, name),
        role=Role.RESPONDER,
    ),
    get("/on-call", "on_call", "Who is on call", list[OnCall], lambda services, _request: services.on_call()),
    get("/reports", "reports", "The weekly reports", Reports, lambda services, _request: services.reports.all()),
    get(
        f"{_REPORT}.txt",
        "report_text",
        "A report as text",
        str,
        lambda services, _request, name, week: services.reports.text(name, week),
        kind=Kind.TEXT,
        patience=30.0,
    ),
    get(
        _REPORT,
        "report_document",
        "A report as it was sent, or made anew",
        Report,
        lambda services, _request, name, week: services.reports.one(name, week),
        patience=30.0,
    ),
    act(
        f"{_REPORT}/send",
        "send_report",
        "Send a report to the channels of the settings that have not got it",
        bodies.Said,
        lambda services, request, name, week: services.commands.send_report(request, name, week),
        role=Role.RESPONDER,
    ),
    get(
        "/recommendations",
        "recommendations",
        "What lowers costs, the largest saving first",
        list[Recommendation],
        lambda services, _request: services.recommendations.all(),
    ),
    act(
        "/recommendations",
        "decide_recommendation",
        "Record a decision about a recommendation",
        bodies.Decided,
        lambda services, request: services.recommendations.decide(request),
        role=Role.RESPONDER,
        answers=Decision,
        status=200,
    ),
    act(
        "/answers",
        "upload_answers",
        "Upload answers to surveys: all of them, or none",
        bodies.Answers,
        lambda services, request: {"accepted": services.answers.upload(request)},
        role=Role.OPERATOR,
        answers=Taken,
        status=200,
    ),
)
