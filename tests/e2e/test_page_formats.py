"""Numbers, instants and days on the pages: by the rules that the texts have, on the same examples; and on the axes of charts."""

import json
from pathlib import Path

from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]

CASES = json.loads((Path(__file__).parents[1] / "data" / "formats.json").read_text())
RULES = """async (cases) => {
  const format = await import("/assets/format.js");
  const rules = { ...format, short_dollars: format.shortDollars, short_day: format.shortDay, instant: format.when, day: format.dayOf };
  const several = ["interval", "days"];
  return cases.map(([rule, value]) => (several.includes(rule) ? rules[rule](...value) : rules[rule](value)));
}"""
AXES = """async () => {
  const { text } = await import("/assets/units.js");
  const axis = (unit, step, size) => [1, 2, 3].map((place) => text(place * step, unit, size, step));
  return [
    axis("s", 0.25, 1.2), axis("s", 0.05, 0.2), axis("10^2.%", 0.025, 0.1), axis("s", 300, 900), axis("USD", 50000, 150000), axis("By", 2 ** 19, 2 ** 21),
    [text(-0.001, "USD", 1e6), text(-0, "1"), text(-0.00005, "1"), text(Infinity, "1"), text(null, "1")],
  ];
}"""


POWERS = """async (ranges) => {
  const { middle, powers, text } = await import("/assets/units.js");
  return ranges.map(([unit, low, high]) => powers(unit, low, high).map((one) => text(one, unit, middle(low, high), one)));
}"""


def test_an_axis_of_powers_has_few_round_lines_of_one_unit(night: PageFixture) -> None:
    ranges = [["s", 100, 10_000], ["s", 600, 600_000], ["s", 10, 100], ["s", 0.001, 10], ["1", 1, 1e12], ["1", 1, 10]]
    assert night.open().evaluate(POWERS, ranges) == [
        ["2 min", "5 min", "10 min", "20 min", "50 min", "100 min"],
        ["1 h", "10 h", "100 h"],
        ["10 s", "20 s", "50 s", "100 s"],
        ["1 ms", "10 ms", "100 ms", "1,000 ms", "10,000 ms"],
        ["1", "100", "10,000", "1M", "100M", "10B", "1T"],
        ["1", "2", "5", "10"],
    ]


def test_pages_write_numbers_and_dates_as_texts_do_and_an_axis_no_label_twice(night: PageFixture) -> None:
    page = night.open()
    assert dict(zip(map(str, CASES), page.evaluate(RULES, CASES), strict=True)) == {str(one): one[2] for one in CASES}
    assert page.evaluate(AXES) == [
        ["0.25 s", "0.5 s", "0.75 s"],
        ["50 ms", "100 ms", "150 ms"],
        ["2.5%", "5%", "7.5%"],
        ["5 min", "10 min", "15 min"],
        ["$50K", "$100K", "$150K"],
        ["0.5 MiB", "1 MiB", "1.5 MiB"],
        ["$0", "0", "-5e-5", "\N{INFINITY}", "\N{EN DASH}"],
    ]
    clock = "async (now) => (await import('/assets/format.js')).clock('2026-12-01T17:05:00Z', now)"
    assert [page.evaluate(clock, f"2026-12-0{day}T23:00:00Z") for day in (1, 2)] == ["17:05", "2026-12-01 17:05"]
