"""The business, and the settings by which it is watched."""

from typing import Any

from functions.api.operation import get
from functions.api.parameters import RANGE
from functions.api.settings_view import shown
from functions.services.api_schemas.business import Forecast, Metric

OPERATIONS = (
    get(
        "/business/metrics",
        "business_metrics",
        "Business metrics by day, of the last 30 days where no range is given",
        list[Metric],
        lambda services, request: services.business.metrics(request.values),
        parameters=RANGE,
        patience=15.0,
    ),
    get(
        "/business/forecasts",
        "forecasts",
        "Forecasts of the revenue of the next 30 days, as made",
        list[Forecast],
        lambda services, request: services.business.forecasts(request.values),
        parameters=RANGE,
        patience=15.0,
    ),
    get(
        "/settings",
        "settings",
        "The settings as they hold, without what is secret",
        dict[str, Any],
        lambda services, _request: shown(services.settings),
    ),
)
