// What happened at an instant or for a while, over a chart: a line with its name, and a strip along the axis.
const STRIP = 5;

function line(chart, { at, label }, look, ratio) {
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(at, "x", true));
  if (!(x >= bbox.left && x <= bbox.left + bbox.width)) return;
  ctx.strokeStyle = look.soft;
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  const right = x > bbox.left + bbox.width / 2;
  ctx.textAlign = right ? "right" : "left";
  ctx.textBaseline = "top";
  ctx.lineWidth = 3 * ratio;
  ctx.lineJoin = "round";
  ctx.strokeStyle = look.card;
  const place = [label, x + (right ? -4 : 4) * ratio, bbox.top + 2 * ratio];
  ctx.strokeText(...place);
  ctx.fillStyle = look.soft;
  ctx.fillText(...place);
}

function strip(chart, { from, to, level }, look, ratio) {
  const { ctx, bbox } = chart;
  const inside = (second) => Math.min(Math.max(chart.valToPos(second, "x", true), bbox.left), bbox.left + bbox.width);
  const { min, max } = chart.scales.x;
  if (to < min || from > max) return;
  const left = inside(Math.max(from, min));
  ctx.fillStyle = look[level];
  ctx.fillRect(left, bbox.top + bbox.height - STRIP * ratio, Math.max(inside(Math.min(to, max)) - left, STRIP * ratio), STRIP * ratio);
}

export function drawMarks(chart, { marks = [], spans = [] }, look, font) {
  const ratio = devicePixelRatio;
  chart.ctx.save();
  chart.ctx.font = font.replace("11px", `${10 * ratio}px`);
  for (const one of spans) strip(chart, one, look, ratio);
  for (const one of marks) line(chart, one, look, ratio);
  chart.ctx.restore();
}
