"""Numbers on the pages: by the rules that the texts have, on the same examples; and on the axes of charts."""

import json
from pathlib import Path

from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]

CASES = json.loads((Path(__file__).parents[1] / "data" / "formats.json").read_text())
RULES = """async (cases) => {
  const format = await import("/assets/format.js");
  const rules = { ...format, short_dollars: format.shortDollars };
  return cases.map(([rule, value]) => rules[rule](value));
}"""
AXES = """async () => {
  const { text } = await import("/assets/units.js");
  const axis = (unit, step, size) => [1, 2, 3].map((place) => text(place * step, unit, size, step));
  return [
    axis("s", 0.25, 1.2), axis("s", 0.05, 0.2), axis("10^2.%", 0.025, 0.1), axis("s", 300, 900), axis("USD", 50000, 150000), axis("By", 2 ** 19, 2 ** 21),
    [text(-0.001, "USD", 1e6), text(-0, "1"), text(-0.00005, "1"), text(Infinity, "1"), text(null, "1")],
  ];
}"""


def test_pages_write_numbers_as_texts_do_and_an_axis_no_label_twice(night: PageFixture) -> None:
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
    clock = page.evaluate("async () => (await import('/assets/format.js')).when('2026-12-01T17:05:00Z')")
    assert "PM" not in clock
