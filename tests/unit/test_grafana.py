"""The dashboards as Grafana has them: the same questions in the same places, whatever is asked twice is written alike."""

import functools
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard

from functions.api.dashboards import ORDER, load
from functions.api.layout import Dashboard
from infra.grafana import __main__ as command
from infra.grafana.query import UNITS
from infra.grafana.translate import translated, write
from infra.lint import dashboard_queries
from infra.lint.promtool import refused
from tests.support.builders.deployed_files import BOARDS
from tests.support.checks import promtool

FILES = [f"{name}.json" for name in ORDER]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each dashboard by the name of its file."""
    written = write(tmp_path_factory.mktemp("grafana"), "https://example.com/runbooks")
    return {path.name: json.loads(path.read_text()) for path in written}


def small(**widget: Any) -> Dashboard:
    """A dashboard of one tile."""
    tiles = [{"width": 48, "height": 8, "widget": {"title": "One", **widget}}]
    return msgspec.convert({"displayName": "Sample", "mosaicLayout": {"columns": 48, "tiles": tiles}}, Dashboard)


def card(query: str = "up", unit: str = "1", **more: Any) -> Dashboard:
    return small(scorecard={"timeSeriesQuery": {"prometheusQuery": query, "unitOverride": unit}, **more})


def panel(given: Dashboard) -> dict[str, Any]:
    found = json.loads(json.dumps(translated("sample", given, "").build(), cls=JSONEncoder))
    [one] = found["panels"]
    return dict(one)


def targets(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in board["panels"]:
        yield from ((one["title"], target["expr"]) for target in one.get("targets", []))


def test_all_are_written(made: dict[str, dict[str, Any]]) -> None:
    assert list(made) == FILES


@pytest.mark.parametrize("file", FILES)
def test_the_questions_are_the_same(made: dict[str, dict[str, Any]], file: str) -> None:
    asked = [(tile.title, query.expr) for tile in BOARDS.of(file) for query in tile.queries]
    back = {'model=~"$model"': "${model}", "$__interval": "${__interval}"}
    told = [
        (title, functools.reduce(lambda expr, pair: expr.replace(*pair), back.items(), expr))
        for title, expr in targets(made[file])
    ]
    assert told == asked


@promtool.needed
def test_prometheus_takes_every_question(made: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    groups = [
        {
            "name": f"{file}: {number}",
            "rules": [{"record": "a:b:c", "expr": expr.replace("$model", ".*").replace("$__interval", "1m")}],
        }
        for file, board in made.items()
        for number, (_, expr) in enumerate(targets(board))
    ]
    path = tmp_path / "grafana.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    assert "$" not in path.read_text()
    assert refused([path]) == []


@pytest.mark.parametrize("file", FILES)
def test_panels_lie_within_24_columns_in_the_order_of_the_tiles_and_over_each_other_nowhere(
    made: dict[str, dict[str, Any]], file: str
) -> None:
    places = [one["gridPos"] for one in made[file]["panels"]]
    assert all(place["x"] + place["w"] <= 24 and place["h"] >= 1 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert places == sorted(places, key=lambda place: (place["y"], place["x"]))
    covered = sum(place["w"] * place["h"] for place in places)
    assert covered == 24 * max(place["y"] + place["h"] for place in places)


@pytest.mark.parametrize("file", FILES)
def test_the_library_reads_what_was_written_as_it_was_written(made: dict[str, dict[str, Any]], file: str) -> None:
    again = json.loads(json.dumps(GrafanaDashboard.from_json(made[file]), cls=JSONEncoder))
    assert again == made[file]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, "") for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_every_panel_asks_the_source_that_the_viewer_chose(made: dict[str, dict[str, Any]]) -> None:
    for board in made.values():
        [source] = [one for one in board["templating"]["list"] if one["type"] == "datasource"]
        assert (source["name"], source["query"]) == ("datasource", "prometheus")
        for one in (one for one in board["panels"] if one["type"] not in {"row", "text"}):
            assert one["datasource"]["uid"] == "${datasource}"
            assert {target["datasource"]["uid"] for target in one["targets"]} == {"${datasource}"}


def test_the_variable_has_the_models_that_are_scored_and_at_first_all(made: dict[str, dict[str, Any]]) -> None:
    [_, model] = made["models.json"]["templating"]["list"]
    assert (model["name"], model["type"], model["includeAll"], model["allValue"]) == ("model", "query", True, ".*")
    assert model["query"] == "label_values(aia_drift_features_drifted_ratio, model)"
    assert model["current"]["value"] == "$__all"


def test_links_lead_to_the_runbooks(made: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    texts = [one["options"]["content"] for board in made.values() for one in board["panels"] if one["type"] == "text"]
    assert all("](https://example.com/runbooks/" in text and "](docs/" not in text for text in texts)
    bare = "".join(path.read_text() for path in write(tmp_path, ""))
    assert "](docs/" not in bare
    assert "(docs/runbooks/models.md#drift)" in bare


@pytest.mark.parametrize(
    ("unit", "name"), [("1", "short"), ("s", "s"), ("10^2.%", "percentunit"), ("USD", "currencyUSD")]
)
def test_units_have_grafanas_names(unit: str, name: str) -> None:
    assert panel(card(unit=unit))["fieldConfig"]["defaults"]["unit"] == name


def test_the_units_are_those_that_dashboards_may_have() -> None:
    assert set(UNITS) == dashboard_queries.UNITS


@pytest.mark.parametrize(
    ("thresholds", "steps"),
    [
        ([], [(None, "green")]),
        ([(5, "RED", "ABOVE"), (3, "YELLOW", "ABOVE")], [(None, "green"), (3, "yellow"), (5, "red")]),
        ([(0.8, "RED", "BELOW"), (0.9, "YELLOW", "BELOW")], [(None, "red"), (0.8, "yellow"), (0.9, "green")]),
        ([(1, "RED", "BELOW"), (9, "YELLOW", "ABOVE")], [(None, "red"), (1, "green"), (9, "yellow")]),
    ],
)
def test_what_is_bad_above_or_below_has_its_colour(
    thresholds: list[tuple[float, str, str]], steps: list[tuple[float | None, str]]
) -> None:
    given = [{"value": value, "color": color, "direction": to, "label": "x"} for value, color, to in thresholds]
    found = panel(card(thresholds=given))["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in found] == steps


def test_a_scorecard_is_a_number_with_or_without_a_line_or_a_gauge() -> None:
    assert panel(card())["options"]["graphMode"] == "none"
    assert panel(card(sparkChartView={"sparkChartType": "SPARK_LINE"}))["options"]["graphMode"] == "area"
    gauge = panel(card(gaugeView={"upperBound": 2}))
    assert (gauge["type"], gauge["fieldConfig"]["defaults"]["min"], gauge["fieldConfig"]["defaults"]["max"]) == (
        *("gauge", 0, 2),
    )


def chart(plot: str, **more: Any) -> dict[str, Any]:
    query = {"prometheusQuery": 'rate(x{${model}}[${__interval}]) + y{z=~"${model.value}"}', "unitOverride": "s"}
    sets = [{"timeSeriesQuery": query, "plotType": plot, "legendTemplate": "${model}, ${issue}"}]
    return panel(small(xyChart={"dataSets": sets, **more}))


def test_a_chart_has_its_variables_legend_axis_and_limits() -> None:
    found = chart("LINE", thresholds=[{"value": 3, "label": "High"}], yAxis={"label": "seconds", "scale": "LOG10"})
    [target] = found["targets"]
    assert target["expr"] == 'rate(x{model=~"$model"}[$__interval]) + y{z=~"$model"}'
    assert target["legendFormat"] == "{{model}}, {{issue}}"
    assert found["interval"] == "1m"
    custom = found["fieldConfig"]["defaults"]["custom"]
    assert (custom["axisLabel"], custom["scaleDistribution"]) == ("seconds", {"type": "log", "log": 10})
    assert custom["thresholdsStyle"]["mode"] == "dashed"
    assert found["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"value": 3, "color": "red"}
    assert found["description"] == "3: High"


@pytest.mark.parametrize(
    ("plot", "stacked", "style"),
    [("LINE", None, None), ("STACKED_AREA", "normal", None), ("STACKED_BAR", "normal", "bars")],
)
def test_plots_are_lines_areas_or_bars(plot: str, stacked: str | None, style: str | None) -> None:
    custom = chart(plot)["fieldConfig"]["defaults"]["custom"]
    assert custom.get("stacking", {}).get("mode") == stacked
    assert custom.get("drawStyle") == style


def test_a_table_has_a_row_for_each_series_and_the_columns_that_are_shown() -> None:
    query = {"prometheusQuery": "max by (a, b) (up)", "unitOverride": "1"}
    columns = [{"column": "b", "visible": True}, {"column": "a"}, {"column": "value", "visible": True}]
    found = panel(
        small(
            timeSeriesTable={
                "dataSets": [{"timeSeriesQuery": query, "tableTemplate": "${a}"}],
                "columnSettings": columns,
                "metricVisualization": "BAR",
            }
        )
    )
    rows, order = found["transformations"]
    assert (rows["id"], rows["options"]["labelsToFields"]) == ("reduce", True)
    assert order["options"]["indexByName"] == {"b": 0, "Last *": 1}
    assert order["options"]["excludeByName"] == {"Field": True, "a": True}
    assert order["options"]["renameByName"] == {"Last *": "value"}
    assert found["targets"][0]["instant"] is True
    [override] = found["fieldConfig"]["overrides"]
    assert override["properties"] == [{"id": "custom.cellOptions", "value": {"type": "gauge", "mode": "basic"}}]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (card(unit="furlong"), r"One: unitOverride: must be one of 1, s, 10\^2.%, USD, got 'furlong'"),
        (small(incidentList={}), "One: widget: must be a scorecard, xyChart, timeSeriesTable, text or sectionHeader"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_its_tile(given: Dashboard, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        translated("sample", given, "")


def test_data_of_two_units_are_no_panel() -> None:
    sets = [{"timeSeriesQuery": {"prometheusQuery": "up", "unitOverride": unit}} for unit in ("s", "1")]
    with pytest.raises(ValueError, match="One: unitOverride: must be one for all data sets of a tile, got 1, s"):
        translated("sample", small(xyChart={"dataSets": sets}), "")


def test_a_variable_that_chooses_nothing_is_refused() -> None:
    given = msgspec.structs.replace(card(), dashboard_filters=load()["models"].dashboard_filters)
    with pytest.raises(ValueError, match="templateVariable: must choose a metric in a query, got 'model'"):
        translated("sample", given, "")


def test_a_tile_between_two_columns_is_refused() -> None:
    given = card()
    [tile] = given.mosaic_layout.tiles
    odd = msgspec.structs.replace(given.mosaic_layout, tiles=(msgspec.structs.replace(tile, width=47),))
    with pytest.raises(ValueError, match="xPos, width: must be a multiple of 2, got 47"):
        translated("sample", msgspec.structs.replace(given, mosaic_layout=odd), "")


def test_the_command_writes_dashboards_and_what_loads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--out", str(tmp_path), "--runbooks", "https://example.com/runbooks/"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [*(str(tmp_path / "dashboards" / file) for file in FILES), str(tmp_path / "provider.yaml")]
    [provider] = yaml.load((tmp_path / "provider.yaml").read_text(), Loader=yaml.CSafeLoader)["providers"]
    assert (provider["type"], provider["options"]["path"]) == ("file", "/var/lib/grafana/dashboards/aia")
    assert "](https://example.com/runbooks/models.md#drift)" in (tmp_path / "dashboards" / "models.json").read_text()


def test_the_command_says_what_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.grafana.translate.load", lambda: {"sample": card(unit="furlong")})
    assert command.main(["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("grafana: sample: One: unitOverride: must be one of")
