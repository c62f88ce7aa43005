// Charts over time: lines, stacked areas and stacked columns by uPlot, with the crosshair of a dashboard in all of them.
import { drawMarks } from "./chart_marks.js";
import { stacked } from "./series.js";
import { ticks } from "./times.js";
import { middle, powers, steps, text } from "./units.js";
import { inZone } from "./zone.js";

const OWN = ["mousedown", "mouseup", "dblclick"]; // a range is chosen in one chart, and all show it when it is asked for
const GAP = 0.06;
const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;

// The axis begins at 0 where that costs little, and has the thresholds on it where they are near.
function bounds(low, high, floor, thresholds) {
  if (low === null || low === undefined) return [0, 1];
  let [from, to] = [floor ? Math.min(0, low) : low, floor ? Math.max(0, high) : high];
  const reach = 1.5 * Math.max(to - from, Math.abs(to) / 2);
  for (const { value } of thresholds) {
    if (value > from - reach && value < to + reach) [from, to] = [Math.min(from, value), Math.max(to, value)];
  }
  if (from > 0 && from < to / 2) from = 0;
  if (from === to) [from, to] = from === 0 ? [0, 1] : [from - Math.abs(from) / 10, to + Math.abs(to) / 10];
  const gap = (to - from) * GAP;
  return [from === 0 ? 0 : from - gap, to + gap];
}

// A line across the chart, and its name; what is beyond it is tinted where the dashboard says which side that is.
function drawThresholds(chart, thresholds, look) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  for (const one of thresholds) {
    const y = Math.round(chart.valToPos(one.value, one.axis, true));
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    const colour = one.level ? look[one.level] : look.warning;
    if (one.level) {
      ctx.fillStyle = colour;
      ctx.globalAlpha = 0.08;
      ctx.fillRect(bbox.left, one.below ? y : bbox.top, bbox.width, one.below ? bbox.top + bbox.height - y : y - bbox.top);
      ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = colour;
    ctx.lineWidth = ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const above = y - bbox.top > 16 * ratio;
    ctx.font = font().replace("11px", `${10 * ratio}px`);
    ctx.textAlign = "right";
    ctx.textBaseline = above ? "bottom" : "top";
    ctx.lineWidth = 3 * ratio;
    ctx.lineJoin = "round";
    ctx.setLineDash([]);
    ctx.strokeStyle = look.card;
    const place = [one.label || one.level, bbox.left + bbox.width - 4 * ratio, y + (above ? -2 : 3) * ratio];
    ctx.strokeText(...place);
    ctx.fillStyle = colour;
    ctx.fillText(...place);
  }
  ctx.restore();
}

// The places without a neighbour: no line leads to them.
function lone(values) {
  const known = (at) => values[at] !== null && values[at] !== undefined;
  return [...values.keys()].filter((at) => known(at) && !known(at - 1) && !known(at + 1));
}

function drawn(one, { colour, dash, density, area }, look) {
  const common = { label: one.name, scale: one.axis, points: { show: false }, value: null };
  if (one.plot === "bar") return { ...common, paths: uPlot.paths.bars({ size: [0.8, 48] }), stroke: look.card, width: 1, fill: colour + density };
  const alone = lone(one.values);
  return { ...common, stroke: colour, width: 1.7, dash: dash.length ? dash : undefined, spanGaps: false, points: { show: alone.length > 0, filter: () => alone, size: 5, fill: colour }, fill: one.plot === "area" ? colour + area : undefined };
}

// Between the last line and the one before it, where these are the ends of an interval.
function interval({ band }, all, paint) {
  return band && all.length > 2 ? [{ series: [all.length, all.length - 1], fill: `${paint[0].colour}26` }] : [];
}

// An area ends at the one below it; columns are drawn from the highest, so that each shows what it adds.
function bandsOf(all, place, hidden) {
  return ["Y1", "Y2"].flatMap((axis) => {
    const areas = all.map((_, at) => at).filter((at) => all[at].plot === "area" && all[at].axis === axis && !hidden.has(all[at].name));
    return areas.slice(1).map((at, below) => ({ series: [place(at), place(areas[below])] }));
  });
}

function widest(chart, values) {
  chart.ctx.font = font();
  return Math.ceil(Math.max(0, ...(values ?? []).map((value) => chart.ctx.measureText(value).width)));
}

const all = (_, splits) => splits;

function axis(name, unit, whole, look, { log, options }) {
  const round = (splits, step) => splits.map((one) => text(one, unit, Math.max(...splits.map(Math.abs)), step));
  const power = ({ scales }, splits) => splits.map((one) => text(one, unit, middle(scales[name].min, scales[name].max), one));
  return {
    scale: name, stroke: look.soft, font: font(), gap: 6, ticks: { show: false },
    grid: { stroke: look.line, width: 1, ...(log ? { filter: all } : {}) },
    ...(log ? { filter: all, splits: (_, _axis, low, high) => powers(unit, low, high) } : { incrs: steps(unit, whole) ?? undefined }),
    values: (chart, splits, _axis, _space, step) => (log ? power(chart, splits) : round(splits, step)),
    size: (chart, values, at, cycle) => (cycle > 1 ? chart.axes[at]._size : widest(chart, values) + 14),
    ...options,
  };
}

function optionsOf({ tile, all, order, hidden, span, look, paint, width, height, hooks }) {
  const columned = all.some((one) => one.plot === "bar");
  const room = columned ? span.step / 2 : 0;
  const names = ["Y1", "Y2"].filter((name) => all.some((one) => one.axis === name));
  const scales = { x: { time: true, range: [span.start - room, Math.max(span.end, span.start + span.step) + room] } };
  const axes = [{ stroke: look.soft, font: font(), gap: 4, size: 26, space: 64, grid: { show: false }, ticks: { stroke: look.line, size: 4 }, values: ticks }];
  names.forEach((name, place) => {
    const own = all.filter((one) => one.axis === name);
    const floor = own.some((one) => one.plot !== "line");
    const thresholds = tile.thresholds.filter((one) => one.axis === name);
    const whole = own.every((one) => one.values.every((value) => value === null || Number.isInteger(value)));
    scales[name] = tile.axes[name]?.log ? { distr: 3 } : { range: (_, low, high) => bounds(low, high, floor, thresholds) };
    const extra = { log: tile.axes[name]?.log, options: place ? { side: 1, grid: { show: false } } : {} };
    axes.push(axis(name, own[0].unit, whole, look, extra));
  });
  return {
    width, height, scales, axes, hooks, tzDate: inZone, padding: [8, names.length > 1 ? 0 : 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: Boolean(tile.zoom), y: false, setScale: false, dist: 5 }, sync: { key: "dashboard", setSeries: false, filters: { pub: (type) => !OWN.includes(type) } }, focus: { prox: -1 }, points: { size: 6, width: 1.5 } },
    focus: { alpha: 0.25 },
    series: [{}, ...order.map((at) => ({ ...drawn(all[at], paint[at], look), show: !hidden.has(all[at].name) }))],
    bands: [...bandsOf(all, (at) => order.indexOf(at) + 1, hidden), ...interval(tile, all, paint)],
  };
}

// Draw a chart into `holder`, each series as `paint` says. `hidden` holds the names that are switched off; `moved(index)` hears where the crosshair is.
export function draw(holder, { tile, all, paint, look, x, span, hidden, moved }) {
  const order = all.some((one) => one.plot === "bar") ? all.map((_, at) => all.length - 1 - at) : all.map((_, at) => at);
  const values = stacked(all, hidden);
  const hooks = {
    draw: [
      (chart) => drawThresholds(chart, tile.thresholds.filter((one) => chart.scales[one.axis]), look),
      (chart) => drawMarks(chart, tile, look, font()),
    ],
    setCursor: [(chart) => moved(chart, chart.cursor.idx ?? null)],
    setSelect: [({ select, posToVal }) => { if (tile.zoom && select.width > 0) tile.zoom(posToVal(select.left, "x"), posToVal(select.left + select.width, "x")); }],
  };
  const size = { width: holder.clientWidth, height: holder.clientHeight };
  const chart = new uPlot(optionsOf({ tile, all, order, hidden, span, look, paint, hooks, ...size }), [x, ...order.map((at) => values[at])], holder);
  return { chart, place: (at) => order.indexOf(at) + 1 };
}
