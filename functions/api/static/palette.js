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

// Beyond the colours lines differ by their dashes: 56 pairs, more than a chart has series. Fields differ by how dense they are.
const DASHES = [[], [7, 3], [2, 3], [12, 3, 2, 3], [15, 6], [6, 2, 2, 2, 2, 2], [3, 7]];
const DENSITIES = ["", "99", "55", "33", "cc", "77", "22"];
const AREAS = ["59", "2e", "80", "1a", "6b", "40", "94"]; // what lies behind is seen through them

function hash(name) {
  let sum = 2166136261;
  for (const character of name) sum = Math.imul(sum ^ character.codePointAt(0), 16777619);
  return (sum ^ (sum >>> 15)) >>> 0;
}

// The place of each name: by the name alone, or the next that no other name of the chart has; never by what came first.
// Who stands alone has the first.
function placed(names) {
  if (names.length === 1) return [0];
  const found = new Map();
  const taken = new Set();
  for (const name of [...new Set(names)].sort()) {
    const wanted = hash(name) % SERIES;
    let tries = 0;
    const place = () => Math.floor(tries / SERIES) * SERIES + ((wanted + tries) % SERIES);
    while (taken.has(place())) tries += 1;
    taken.add(place());
    found.set(name, place());
  }
  return names.map((name) => found.get(name));
}

// How each name is drawn, `{ colour, dash, density, area }`: no two alike; severities as everywhere on the page.
export function painted(names, look) {
  if (names.every((name) => SEVERITIES.includes(name))) return names.map((name) => ({ colour: look[name], dash: [], density: "", area: AREAS[0] }));
  return placed(names).map((place) => {
    const level = Math.floor(place / SERIES) % DASHES.length;
    return { colour: look.series[place % SERIES], dash: DASHES[level], density: DENSITIES[level], area: AREAS[level] };
  });
}
