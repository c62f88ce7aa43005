// The colours of the page as a canvas takes them.
import { SEVERITIES } from "./series.js";

const NAMES = ["soft", "line", "card", "warning", ...SEVERITIES];
const SERIES = 8;

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const one = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ...Object.fromEntries(NAMES.map((name) => [name, one(name)])),
    series: Array.from({ length: SERIES }, (_, index) => one(`c${index + 1}`)),
  };
}

const places = new Map();

// The place of each name in the palette: what it had in another chart, where no other name of this one has it.
function placed(names) {
  const taken = new Set();
  const found = new Map();
  const take = (name, place) => { taken.add(place); found.set(name, place); };
  for (const name of names) if (places.has(name) && !taken.has(places.get(name))) take(name, places.get(name));
  for (const name of names) {
    if (found.has(name)) continue;
    let place = 0;
    while (taken.has(place)) place += 1;
    take(name, place);
    if (!places.has(name)) places.set(name, place);
  }
  return names.map((name) => found.get(name));
}

// How each name is drawn, `{ colour, dashed }`: the same in every chart; severities as everywhere on the page.
export function painted(names, look) {
  if (names.every((name) => SEVERITIES.includes(name))) return names.map((name) => ({ colour: look[name], dashed: false }));
  return placed(names).map((place) => ({ colour: look.series[place % SERIES], dashed: place >= SERIES }));
}
