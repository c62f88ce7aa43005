"""The business, and the settings by which it is watched."""

from typing import Any

from functions.api import business, forecasts
from functions.api.operation import get
from functions.api.settings_view import shown
from functions.services.api_schemas.business import Forecasts, Metrics

OPERATIONS = (
    get(
        "/business/metrics",
        "business_metrics",
        "Business metrics by day, of the last 30 days where no range is given, page by page",
        Metrics,
        lambda services, request: services.business.metrics(request.values),
        parameters=business.PARAMETERS,
        patience=15.0,
    ),
    get(
        "/forecasts",
        "forecasts",
        "Every forecast that is kept, as it was made, and how right those before it were",
        Forecasts,
        lambda services, request: services.forecasts.page(request.values),
        parameters=forecasts.PARAMETERS,
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
