"use strict";
(() => {
// Integers beyond 2^53 are shown as they were written, where the browser tells how that was.
const exact = (key, number, from) => key === "int" && !Number.isSafeInteger(number) && from?.source || number;
const data = JSON.parse(document.getElementById("data").textContent, exact);
const evaluation = data.evaluation;
const two = evaluation.has_baseline;
const CLASS = ["current", "baseline"];
const state = { search: "", metric: null, sort: { key: "order", up: true }, slice: 0, fair: null, reference: 0, least: 0 };

// ---- building blocks: everything of the data goes in as text ----

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

function s(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat(Infinity));
  return element;
}

// ---- numbers: what JSON has no number for comes as text ----

const isNumber = value => typeof value === "number" && Number.isFinite(value);

function format(value) {
  if (value === null || value === undefined) return "–";
  if (!isNumber(value)) return String(value).replace("Infinity", "∞");
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en-US");
  if (size >= 1e15 || size < 1e-4) return value.toExponential(2);
  const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size))));
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

const signed = value => isNumber(value) && value > 0 ? "+" + format(value) : format(value);

function rank(value) {
  if (value === "Infinity") return Infinity;
  if (value === "-Infinity") return -Infinity;
  return isNumber(value) ? value : null;
}

/// Of these, less is better; of those that are neither, no change is good or bad.
const LESS = /(loss|error|entropy|perplexity|bits_per|false_(positive|negative|discovery|omission)|flip|difference|min_label_position)/;
const NEITHER = /(count|mean_label|mean_prediction|calibration$|prevalence|predicted_(positive|negative)_rate|^true_|threshold|documents|queries)/;
function verdict(metric, change) {
  if (!isNumber(change) || change === 0 || NEITHER.test(metric)) return "";
  return (change < 0) === LESS.test(metric) ? "better" : "worse";
}

// ---- slices ----

function shown(value) {
  if ("text" in value) return value.text === "" ? '""' : value.text;
  if ("bytes" in value) return "0x" + value.bytes;
  // Ids and years are names: without separators.
  return "int" in value ? String(value.int) : format(value.float);
}
const nameOf = key => key.length ? key.map(part => `${part.feature}: ${shown(part.value)}`).join(", ") : "overall";
const slices = evaluation.slices.map((slice, index) => ({
  ...slice, index, name: nameOf(slice.slice), by: slice.slice.map(part => part.feature).join(", "),
}));
const metrics = [...new Set(slices.flatMap(slice => Object.keys(slice.metrics)))];
const USUAL = ["auc", "accuracy", "f1_score[macro,top=1]", "f1_score[macro]", "ndcg", "root_mean_squared_error", "perplexity"];
state.metric = USUAL.find(name => metrics.includes(name)) || metrics.find(name => name !== "example_count") || metrics[0];
state.fair = metrics.find(name => name.startsWith("false_positive_rate")) || state.metric;

const value = (slice, metric) => slice.metrics[metric];
const before = (slice, metric) => slice.baseline ? slice.baseline[metric] : undefined;
const interval = (slice, metric, side) => (side ? slice.baseline_intervals : slice.intervals)?.[metric];
const change = (slice, metric) => {
  const [a, b] = [value(slice, metric), before(slice, metric)];
  return isNumber(a) && isNumber(b) ? a - b : undefined;
};

function plusMinus(found) {
  return found ? h("span", { class: "off" }, "±" + Number(((found.upper - found.lower) / 2).toPrecision(2))) : null;
}

// ---- the table of slices ----

function choose(list, chosen, change, labels = list) {
  const select = h("select", { onchange: event => change(event.target.value) });
  list.forEach((item, index) => select.append(h("option", { value: item, selected: item === chosen }, labels[index])));
  return select;
}

function keyOf(slice) {
  const key = state.sort.key;
  if (key === "order") return slice.index;
  if (key === "name") return slice.name.toLowerCase();
  if (key === "examples") return slice.num_examples;
  if (key === "change") return rank(change(slice, state.metric));
  return rank(value(slice, key.slice(7)));
}

function sorted() {
  const words = state.search.toLowerCase();
  const kept = slices.filter(slice => slice.name.toLowerCase().includes(words) && slice.num_examples >= state.least);
  const way = state.sort.up ? 1 : -1;
  return kept.sort((a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.index - b.index;
    return (x < y ? -way : x > y ? way : 0) || a.index - b.index;
  });
}

function head(label, key, className = "") {
  const is = state.sort.key === key;
  const sort = is ? (state.sort.up ? "ascending" : "descending") : null;
  const click = () => {
    state.sort = { key, up: is ? !state.sort.up : key === "name" };
    drawTable();
  };
  return h("th", { class: className, "aria-sort": sort }, h("button", { onclick: click }, label));
}

function scale(metric) {
  const ends = slices.flatMap(slice => [0, 1].flatMap(side => {
    const found = interval(slice, metric, side);
    return [side ? before(slice, metric) : value(slice, metric), found?.lower, found?.upper];
  })).filter(isNumber);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return x => 6 + 208 * (x - low + room) / (high - low + 2 * room);
}

function intervalChart(slice, metric, x) {
  const parts = [s("line", { x1: 4, x2: 216, y1: 14, y2: 14, class: "axis" })];
  for (const side of two ? [1, 0] : [0]) {
    const at = side ? before(slice, metric) : value(slice, metric);
    if (!isNumber(at)) continue;
    const y = two ? (side ? 20 : 9) : 14;
    const found = interval(slice, metric, side);
    if (found) parts.push(s("line", { x1: x(found.lower), x2: x(found.upper), y1: y, y2: y, class: `range ${CLASS[side]}` }));
    parts.push(s("circle", { cx: x(at), cy: y, r: 4, class: `dot ${CLASS[side]}` }));
  }
  return s("svg", { width: 220, height: 28, viewBox: "0 0 220 28", role: "img" }, parts);
}

const MAX_ROWS = 1000;
const tableBox = h("div", { class: "scroll tall" });
const count = h("span", { class: "count" });
function drawTable() {
  const rows = sorted();
  const metric = state.metric;
  const x = scale(metric);
  const others = metrics.filter(name => name !== metric && name !== "example_count");
  const cell = (slice, name) => h("td", {},
    h("span", { class: "value current" }, format(value(slice, name)), plusMinus(interval(slice, name, 0))),
    two && h("span", { class: "value baseline" }, format(before(slice, name)), plusMinus(interval(slice, name, 1))));
  const body = rows.slice(0, MAX_ROWS).map(slice => h("tr", { class: slice.index === state.slice ? "main chosen" : "main" },
    h("td", { class: "slice" }, h("button", { class: "name", onclick: () => pick(slice.index) }, slice.name)),
    h("td", {}, format(slice.num_examples)),
    h("td", { class: "interval left" }, intervalChart(slice, metric, x)),
    cell(slice, metric),
    two && h("td", { class: verdict(metric, change(slice, metric)) }, signed(change(slice, metric)), plusMinus(slice.change_intervals?.[metric])),
    others.map(name => cell(slice, name))));
  const table = h("table", { class: two ? "grid two" : "grid" },
    h("thead", {}, h("tr", {}, head("Slice", "name", "left slice"), head("Examples", "examples"),
      h("th", { class: "left" }, h("button", {}, metric)), head(metric, "metric:" + metric),
      two && head("Change", "change"), others.map(name => head(name, "metric:" + name)))),
    h("tbody", {}, body));
  tableBox.replaceChildren(rows.length ? table : h("p", { class: "empty" }, "no such slice"));
  count.textContent = rows.length > MAX_ROWS ? `the first ${MAX_ROWS} of ${rows.length} slices` : `${rows.length} of ${slices.length} slices`;
}

// ---- plots of one slice ----

const [W, H, L, B] = [392, 270, 56, 34];
const px = x => L + x * (W - L - 12);
const py = y => H - B - y * (H - B - 12);

function frame(labelX, labelY, parts, topY = 1) {
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" },
    ticks.map(t => [
      s("line", { x1: px(0), x2: px(1), y1: py(t), y2: py(t), class: "guide" }),
      s("text", { x: px(t), y: H - B + 14, "text-anchor": "middle" }, String(t)),
      s("text", { x: L - 6, y: py(t) + 4, "text-anchor": "end" }, format(t * topY)),
    ]),
    s("text", { x: px(0.5), y: H - 4, "text-anchor": "middle" }, labelX),
    s("text", { x: 10, y: py(0.5), "text-anchor": "middle", transform: `rotate(-90 10 ${py(0.5)})` }, labelY),
    parts);
}

const path = points => points.map(([x, y], index) => `${index ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
const sidesOf = slice => [slice.plots, slice.baseline_plots].map((plots, side) => [plots, side]).filter(([plots]) => plots).reverse();

function curve(slice, point) {
  return sidesOf(slice).map(([plots, side]) => {
    const points = (plots.thresholds || []).map(point).filter(([x, y]) => isNumber(x) && isNumber(y));
    return s("path", { d: path(points), class: `line ${CLASS[side]}` });
  });
}

function plot(title, note, ...content) {
  return h("div", { class: "plot" }, h("h3", {}, title, note && h("small", {}, note)), content);
}

function scores(plots) {
  const bins = plots.calibration;
  const top = Math.max(...bins.map(([, , positive, negative]) => Math.max(positive, negative)), 1e-300);
  const bars = bins.map(([from, , positive, negative]) => {
    const bar = (value, offset, name) => s("rect", {
      x: px(from + offset), y: py(value / top), width: px(0.021) - px(0), height: py(0) - py(value / top), class: name,
    }, s("title", {}, `${name === "current" ? "label 1" : "label 0"}: ${format(value)}`));
    return [bar(negative, 0.003, "negative"), bar(positive, 0.025, "current")];
  });
  return frame("prediction", "weight", bars, top);
}

function calibration(slice) {
  const points = ([, mean, positive, negative]) => [mean, positive / (positive + negative)];
  return frame("mean prediction", "share of label 1", [
    s("line", { x1: px(0), y1: py(0), x2: px(1), y2: py(1), class: "axis" }),
    sidesOf(slice).map(([plots, side]) => {
      const at = (plots.calibration || []).map(points);
      return [s("path", { d: path(at), class: `line ${CLASS[side]}` }), at.map(([x, y]) => s("circle", { cx: px(x), cy: py(y), r: 3, class: `dot ${CLASS[side]}` }))];
    }),
  ]);
}

/// A cell is `[weight, share of its row, what it is]`.
function matrix(table) {
  const names = table[0].map((_, index) => index < table.length ? String(index) : "none");
  const rows = table.map((row, label) => h("tr", {}, h("th", {}, String(label)),
    row.map(([weight, share, title]) => h("td", { "--part": `${(60 * share).toFixed(1)}%`, title }, format(weight)))));
  return h("div", { class: "matrix" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "label / predicted"), names.map(name => h("th", {}, name)))), h("tbody", {}, rows)));
}
const ofClasses = table => matrix(table.map(row => {
  const all = row.reduce((sum, weight) => sum + weight, 0) || 1;
  return row.map(weight => [weight, weight / all]);
}));
const ofLabels = table => matrix(table.map(row => row.map(([tp, fp, tn, fn]) => [tp + fp, (tp + fp) / (tp + fp + tn + fn || 1),
  `true positives ${format(tp)}, false positives ${format(fp)}, true negatives ${format(tn)}, false negatives ${format(fn)}`])));

function confusion(plots, whose) {
  const parts = [];
  const add = (title, note, table) => parts.push(plot(`${title}${whose}`, whose ? "" : note, table));
  if (plots?.confusion) add("Confusion", "weight of each label, by the likeliest class", ofClasses(plots.confusion));
  for (const { threshold, weights } of plots?.classes_at || []) add(`Confusion at ${format(threshold)}`, "none: no class is above it", ofClasses(weights));
  for (const { threshold, cells } of plots?.labels_at || []) add(`Labels at ${format(threshold)}`, "of examples with a label: weight that is predicted each", ofLabels(cells));
  return parts;
}

// ---- examples that were drawn ----

const drawnBox = h("div", {});
function drawDrawn(slice) {
  drawnBox.replaceChildren(...(slice?.samples || []).flatMap(({ sample, values }) => [
    h("h3", {}, [sample.of.replace("_", " "), sample.class !== undefined && `of class ${sample.class}`,
      sample.threshold !== undefined && `at ${format(sample.threshold)}`, `by ${sample.feature}`].filter(Boolean).join(" ")),
    h("p", { class: "sample" }, values.length ? values.map(value => shown(value)).join(", ") : "none")]));
}

const plotsBox = h("div", { class: "plots" });
const plotsTitle = h("h2", { id: "plots" });
function drawPlots() {
  const slice = slices[state.slice];
  plotsTitle.replaceChildren("Plots", h("small", {}, slice ? `${slice.name}, ${format(slice.num_examples)} examples` : ""));
  const plots = slice?.plots;
  drawDrawn(slice);
  if (!plots) {
    plotsBox.replaceChildren(h("p", { class: "empty" }, "No plots of this slice: they are made of classifiers, where a metric such as `auc` looks at all thresholds, and of the slices with the most examples."));
    return;
  }
  const parts = [];
  if (plots.thresholds) {
    const roc = ([, tp, fp, tn, fn]) => [fp / (fp + tn), tp / (tp + fn)];
    const pr = ([, tp, fp, , fn]) => [tp / (tp + fn), tp + fp > 0 ? tp / (tp + fp) : NaN];
    const diagonal = s("line", { x1: px(0), y1: py(0), x2: px(1), y2: py(1), class: "axis" });
    parts.push(plot("ROC", `AUC ${format(slice.metrics.auc)}`, frame("false positive rate", "recall", [diagonal, curve(slice, roc)])));
    parts.push(plot("Precision and recall", "", frame("recall", "precision", curve(slice, pr))));
    parts.push(plot("Calibration", "", calibration(slice)));
    parts.push(plot("Predictions", "blue: label 1, grey: label 0", scores(plots)));
    if (slice.baseline_plots?.calibration) parts.push(plot("Predictions of the baseline", "blue: label 1, grey: label 0", scores(slice.baseline_plots)));
  }
  parts.push(...confusion(plots, ""), ...confusion(slice.baseline_plots, " of the baseline"));
  plotsBox.replaceChildren(...parts);
}

function pick(index) {
  state.slice = index;
  drawTable();
  drawPlots();
  plotsTitle.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

// ---- fairness: slices against one of them ----

const fairBox = h("div", { class: "scroll" });
const crosses = [...new Set(slices.filter(slice => slice.by).map(slice => slice.by))];
state.cross = crosses[0];
function drawFair() {
  const reference = slices[state.reference];
  const rows = slices.filter(slice => slice.by === state.cross);
  const of = slice => {
    const [a, b] = [value(slice, state.fair), value(reference, state.fair)];
    return isNumber(a) && isNumber(b) ? a - b : undefined;
  };
  const most = Math.max(...rows.map(of).filter(isNumber).map(Math.abs), 1e-300);
  const body = rows.slice(0, MAX_ROWS).map(slice => {
    const gap = of(slice);
    const width = isNumber(gap) ? 100 * Math.abs(gap) / most : 0;
    const base = value(reference, state.fair);
    const bar = s("svg", { width: 220, height: 18, viewBox: "0 0 220 18" },
      s("line", { x1: 110, x2: 110, y1: 0, y2: 18, class: "axis" }),
      s("rect", { x: gap < 0 ? 110 - width : 110, y: 4, width, height: 10, class: gap < 0 ? "less" : "more" }));
    return h("tr", { class: "main" },
      h("td", { class: "slice" }, slice.name), h("td", {}, format(slice.num_examples)),
      h("td", {}, format(value(slice, state.fair)), plusMinus(interval(slice, state.fair, 0))),
      h("td", {}, signed(gap)), h("td", {}, isNumber(gap) && base ? (100 * gap / base).toFixed(1) + "%" : "–"),
      h("td", { class: "interval left" }, bar));
  });
  fairBox.replaceChildren(h("table", { class: "grid" },
    h("thead", {}, h("tr", {}, ["Slice", "Examples", state.fair, "Difference", "Relative", "Difference"].map((label, index) =>
      h("th", { class: index === 0 ? "left slice" : index === 5 ? "left" : "" }, h("button", {}, label))))),
    h("tbody", {}, body)));
}

function compared() {
  const list = evaluation.comparisons || [];
  if (!list.length) return [];
  const names = Object.keys(list[0].metrics);
  const rows = list.map(item => h("tr", { class: "main" }, h("td", { class: "slice" }, nameOf(item.slice)), h("td", { class: "left" }, nameOf(item.baseline)),
    names.map(name => h("td", {}, signed(item.metrics[name]), plusMinus(item.intervals?.[name])))));
  return [h("h2", {}, "Slices minus slices"), h("div", { class: "scroll" }, h("table", { class: "grid" },
    h("thead", {}, h("tr", {}, ["Slice", "Minus", ...names].map((label, index) => h("th", { class: index < 2 ? "left" : "" }, h("button", {}, label))))), h("tbody", {}, rows)))];
}

// ---- which features the predictions come from ----

const explained = data.explanations;
const importanceBox = h("div", { class: "plots" });
const MAX_FEATURES = 30;
function bars(title, note, values, spread) {
  const order = values.map((value, feature) => [value, feature]).filter(([value]) => isNumber(value));
  order.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const most = Math.max(...order.map(([value, feature]) => value + (spread?.[feature] || 0)), 1e-300);
  const least = Math.min(...order.map(([value, feature]) => value - (spread?.[feature] || 0)), 0);
  const x = value => 140 + 240 * (value - least) / (most - least);
  const shown = order.slice(0, MAX_FEATURES);
  const rows = shown.map(([value, feature], row) => {
    const name = explained.features[feature], y = 8 + 20 * row, off = spread?.[feature];
    return [
      s("text", { x: 134, y: y + 11, "text-anchor": "end" }, name.length > 22 ? name.slice(0, 21) + "…" : name, s("title", {}, name)),
      s("rect", { x: Math.min(x(0), x(value)), y, width: Math.abs(x(value) - x(0)), height: 14, class: "more" }, s("title", {}, `${name}: ${format(value)}${off ? " ± " + format(off) : ""}`)),
      off ? s("line", { x1: x(value - off), x2: x(value + off), y1: y + 7, y2: y + 7, class: "spread" }) : [],
      s("text", { x: 452, y: y + 11, "text-anchor": "end" }, format(value)),
    ];
  });
  const height = 16 + 20 * shown.length;
  return h("div", { class: "plot wide" }, h("h3", {}, title, h("small", {}, note)),
    s("svg", { viewBox: `0 0 456 ${height}`, role: "img" }, s("line", { x1: x(0), x2: x(0), y1: 4, y2: height - 4, class: "axis" }), rows),
    order.length > shown.length ? h("p", { class: "empty" }, `and ${order.length - shown.length} more features`) : null);
}

function drawImportance(index) {
  const slice = explained.slices[index];
  const method = explained.method === "lime" ? ["Mean weight in local models", "LIME, without sign"] : ["Mean Shapley value", "without sign"];
  const shuffled = slice.permutation_importance;
  importanceBox.replaceChildren(
    slice.num_explained ? bars(method[0], `${method[1]}, ${format(slice.num_explained)} examples`, slice.mean_absolute_value) : h("p", { class: "empty" }, "No example of this slice was explained."),
    shuffled ? bars("Loss when shuffled", `permutation importance, ${format(slice.num_examples)} examples`, shuffled.map(found => found.mean), shuffled.map(found => found.std_dev)) : "");
}

function importance() {
  if (!explained) return [];
  const list = explained.slices.map((_, index) => String(index));
  drawImportance(0);
  return [h("h2", {}, "Importance", h("small", {}, "which features the predictions come from")),
    h("div", { class: "tools fair" }, h("label", {}, "of ", choose(list, "0", index => drawImportance(Number(index)), explained.slices.map(slice => slice.slice)))),
    importanceBox];
}

// ---- what a language model writes ----

function samples() {
  if (!data.samples.length) return [];
  return [h("h2", {}, "Samples", h("small", {}, "what the candidate writes behind the beginnings of these examples")),
    data.samples.map(([prompt, written]) => h("p", { class: "sample" }, h("span", {}, prompt), written))];
}

// ---- the page ----

function cards() {
  const overall = slices.find(slice => !slice.slice.length);
  const task = typeof evaluation.task === "string" ? evaluation.task : Object.keys(evaluation.task)[0];
  const notes = [`${format(overall?.num_examples)} examples, ${slices.length === 1 ? "1 slice" : format(slices.length) + " slices"}`];
  if (evaluation.num_missing_labels) notes.push(`${format(evaluation.num_missing_labels)} without a label left out`);
  if (evaluation.num_small_slices) notes.push(`${format(evaluation.num_small_slices)} small slices left out`);
  for (const cross of evaluation.crowded) notes.push(`too many slices by ${cross.join(" and ")}, left out`);
  const ci = evaluation.confidence_intervals;
  if (ci) notes.push(`± ${format(ci.level * 100)}% intervals, ${ci.method.replace("_", " ")}, ${ci.num_replicates} replicates`);
  const model = (name, side) => name && h("div", { class: "card" },
    h("h3", {}, h("span", { class: `swatch ${CLASS[side]}` }), name),
    h("p", {}, side ? "baseline" : "candidate"), h("p", {}, `${state.metric} ${format(side ? before(overall, state.metric) : value(overall, state.metric))}`));
  return h("div", { class: "cards" }, data.models.map(model),
    h("div", { class: "card" }, h("h3", {}, task.replaceAll("_", " ")), notes.map(note => h("p", {}, note))));
}

function thresholds() {
  if (data.blessed === null) return null;
  if (data.blessed) return h("div", { class: "found clean" }, "Every threshold holds.");
  return h("details", { class: "found", open: true }, h("summary", {}, `Thresholds do not hold: ${data.failures.length}`),
    h("ul", {}, data.failures.map(text => h("li", {}, text))));
}

const tools = h("div", { class: "tools" },
  h("input", { type: "search", placeholder: "find slices", "aria-label": "find slices", oninput: event => { state.search = event.target.value; drawTable(); } }),
  choose(metrics, state.metric, name => { state.metric = name; drawTable(); }),
  h("label", {}, "at least ", h("input", { type: "number", min: 0, value: 0, style: null, "aria-label": "least number of examples", oninput: event => { state.least = Number(event.target.value) || 0; drawTable(); } }), " examples"),
  count);

const fairness = crosses.length ? [
  h("h2", {}, "Fairness", h("small", {}, "how far slices are from one of them")),
  h("div", { class: "tools fair" },
    choose(crosses, state.cross, name => { state.cross = name; drawFair(); }),
    choose(metrics, state.fair, name => { state.fair = name; drawFair(); }),
    h("label", {}, "against ", choose(slices.slice(0, MAX_ROWS).map(slice => String(slice.index)), "0", index => { state.reference = Number(index); drawFair(); }, slices.slice(0, MAX_ROWS).map(slice => slice.name)))),
  fairBox] : [];

document.getElementById("page").append(
  h("h1", {}, data.title), cards(), thresholds() || "", h("h2", {}, "Slices"), tools, tableBox,
  plotsTitle, plotsBox, drawnBox, ...fairness, ...compared(), ...importance(), ...samples().flat());
if (slices.length) {
  drawTable();
  drawPlots();
  if (crosses.length) drawFair();
}
})();
