"""A browser before dashboards whose Prometheus knows every answer; a pytest plugin, beside `viewing_fixtures`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.api.dashboards import Dashboards
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.web import charts
from tests.support.web.charts import Charts
from tests.support.web.viewing import PageFixture, Tab


@pytest.fixture
def prometheus() -> Charts:
    return charts.charts()


@pytest.fixture
def viewer(tab: Tab, office: ApiFixture, prometheus: Charts) -> Iterator[PageFixture]:
    def now() -> datetime:
        return datetime.now(UTC)

    made = pages.services(office.store, Rows(), office, now)
    every = {"sample": charts.dashboard(), "other": charts.dashboard(displayName="AIA: other", dashboardFilters=[])}
    first = [charts.tile(0, 0, "48x8", "A card", charts.card("open"))]
    every["bare"] = charts.dashboard(displayName="AIA: bare", mosaicLayout={"columns": 48, "tiles": first})
    figures = [charts.tile(0, 0, "48x8", "By action (s)", charts.figures("recovery", "apart"))]
    every["figures"] = charts.dashboard(displayName="AIA: figures", mosaicLayout={"columns": 48, "tiles": figures})
    boards = Dashboards(all=every, prometheus=prometheus, models=lambda: ["churn", "late"], clock=now)  # type: ignore[arg-type]
    with pages.served(pages.application(replace(made, dashboards=boards))) as url:
        viewer = PageFixture(tab, office, Rows(), url, made)
        yield viewer
        viewer.close()
    assert viewer.faults == []
