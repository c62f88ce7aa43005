"""Models: what is known of them, their settings, trainings and promotions."""

from datetime import timedelta
from typing import Any

from core.access import Role
from functions.api import training_outcomes
from functions.api.operation import ACT_SECONDS, Operation, act, get
from functions.api.parameters import BACK, RANGE, Parameter, Range, Text, range_of
from functions.api.request import Request
from functions.services.api_schemas import bodies
from functions.services.api_schemas.models import (
    Distributions,
    Drift,
    Experiment,
    History,
    Model,
    ModelChange,
    ModelSettings,
    Overview,
    Performance,
    TrainingRequest,
    Trainings,
    VersionDifference,
    Versions,
)

_ONE = "/models/{name}"
_USUAL, _LONGEST = timedelta(days=60), timedelta(days=400)
_BY = Parameter("by", Text(80), "Who changes it, where nobody is signed in.")


def _range(request: Request) -> Range:
    return range_of(request.values, usual=_USUAL, most=_LONGEST)


OPERATIONS = (
    get(
        "/models",
        "models",
        "Models with their newest window",
        list[Model],
        lambda services, _request: services.views.models(),
        measures=True,
    ),
    get(
        _ONE,
        "model",
        "Where the settings of a model are, and those of the table",
        ModelSettings,
        lambda services, _request, name: services.model_settings.one(name),
    ),
    Operation(
        name="put_model",
        method="PUT",
        path=_ONE,
        summary="Create or change a model of the table",
        takes=dict[str, Any],
        answers=ModelChange,
        call=lambda services, request, name: services.model_settings.put(request, name),
        role=Role.ADMIN,
        parameters=(_BY,),
        patience=ACT_SECONDS,
    ),
    Operation(
        name="remove_model",
        method="DELETE",
        path=_ONE,
        summary="Remove a model of the table",
        answers=ModelChange,
        call=lambda services, request, name: services.model_settings.remove(request, name),
        role=Role.ADMIN,
        parameters=(_BY,),
        patience=ACT_SECONDS,
    ),
    get(
        f"{_ONE}/drift",
        "drift",
        "Drift of a model by feature and day",
        Drift,
        lambda services, request, name: services.views.drift(name, _range(request)),
        parameters=BACK,
        measures=True,
    ),
    get(
        f"{_ONE}/performance",
        "performance",
        "Every measure of the performance of a model by day",
        Performance,
        lambda services, request, name: services.model_page.performance(name, _range(request)),
        parameters=BACK,
        measures=True,
    ),
    get(
        f"{_ONE}/overview",
        "model_overview",
        "A model with its verdicts and open incidents",
        Overview,
        lambda services, _request, name: services.model_page.overview(name),
    ),
    get(
        f"{_ONE}/history",
        "model_history",
        "Drift, performance, costs, versions and incidents of a model by day",
        History,
        lambda services, request, name: services.model_page.history(name, _range(request)),
        parameters=BACK,
    ),
    get(
        f"{_ONE}/distributions",
        "distributions",
        "The features of the newest window beside the reference",
        Distributions,
        lambda services, _request, name: services.model_page.distributions(name),
    ),
    get(
        f"{_ONE}/versions",
        "versions",
        "The versions of a model, and the changes of their aliases",
        Versions,
        lambda services, request, name: services.versions.all(name, request.values),
        parameters=RANGE,
    ),
    get(
        f"{_ONE}/versions/{{before}}/diff/{{after}}",
        "version_difference",
        "How two versions of a model differ",
        VersionDifference,
        lambda services, _request, name, before, after: services.versions.difference(name, before, after),
        converts={"before": "path", "after": "path"},
    ),
    get(
        f"{_ONE}/trainings",
        "trainings",
        "The trainings of a model, and their results",
        Trainings,
        lambda services, request, name: services.training_outcomes.of_model(
            name, range_of(request.values, usual=training_outcomes.USUAL, most=_LONGEST)
        ),
        parameters=RANGE,
    ),
    act(
        f"{_ONE}/retrain",
        "retrain",
        "Request a training on the newest data",
        bodies.Reasoned,
        lambda services, request, name: services.trainings.request(request, name),
        role=Role.OPERATOR,
        answers=TrainingRequest,
        status=200,
    ),
    get(
        f"{_ONE}/experiment",
        "experiment",
        "The newest experiment of a model, and its promotion",
        Experiment,
        lambda services, _request, name: services.promotions.experiment(name),
    ),
    act(
        f"{_ONE}/promote",
        "promote",
        "Promote a version, by default the challenger",
        bodies.Promoted,
        lambda services, request, name: services.promotions.promote(request, name),
        role=Role.OPERATOR,
    ),
    act(
        f"{_ONE}/rollback",
        "roll_back",
        "Give all traffic to the version that was in use before",
        bodies.Reasoned,
        lambda services, request, name: services.promotions.roll_back(request, name),
        role=Role.OPERATOR,
    ),
)
