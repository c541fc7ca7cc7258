"use strict";
(() => {
const CLASS = ["current", "baseline"];

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
  element.append(...children);
  return element;
}

// ---- numbers ----

const isNumber = value => typeof value === "number" && Number.isFinite(value);

function format(value) {
  if (value === null || value === undefined) return "";
  if (!isNumber(value)) return String(value).replace("inf", "∞");
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en-US");
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size))));
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

function percent(part) {
  if (!isNumber(part)) return "";
  if (part === 0) return "0%";
  if (part < 0.001) return "<0.1%";
  if (part < 1 && part > 0.999) return ">99.9%";
  return (part * 100).toFixed(1) + "%";
}

const ratio = (part, whole) => isNumber(part) && whole > 0 ? part / whole : null;
/// A number to sort by: infinities in their places, what is not there last.
function rank(value) {
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  return isNumber(value) ? value : null;
}

/// Shows one or two datasets in an element, and returns what draws all charts at once.
function show(data, view) {
const SIDES = data.datasets.map((_, index) => index);
const two = SIDES.length > 1;
const state = { search: "", only: "all", log: false, quantiles: false };

// ---- what a feature says ----

const features = data.features.map((feature, index) => ({ ...feature, index }));
for (const feature of features) {
  feature.anomalies = (feature.anomalies || []).map(index => data.anomalies[index]);
  feature.distances = feature.distances || [];
  feature.label = feature.name.toLowerCase();
  feature.worst = feature.anomalies.some(anomaly => anomaly.severity === "ERROR") ? "bad"
    : feature.anomalies.length ? "doubtful" : "";
}
const isFar = distance => isNumber(distance.threshold) && distance.value > distance.threshold;
const farthest = feature => feature.distances.reduce((far, d) => !far || d.value > far.value ? d : far, null);
const missing = stats => stats && ratio(stats.missing, stats.missing + stats.present);
const zeros = stats => stats && ratio(stats.zeros, stats.total);
const small = distance => distance > 0 && distance < 0.00005 ? "<0.0001" : isNumber(distance) ? distance.toFixed(4) : format(distance);
const stat = key => stats => stats ? stats[key] : null;
/// What is only known of values, where there are any.
const ofValues = key => stats => stats?.total > 0 ? stats[key] : null;

function share(className, part) {
  if (part === null || part === undefined) return "";
  const much = part > 0.5 ? " much" : "";
  return h("span", { class: `share ${className}${much}`, "--part": `${(part * 100).toFixed(1)}%` }, percent(part));
}

/// One value for each dataset, one below the other.
function values(feature, read, show) {
  return SIDES.map(side => {
    const value = read(feature.stats[side], side);
    const shown = value === null || value === undefined ? "–" : show(value);
    return h("span", { class: `value ${CLASS[side]}` }, shown);
  });
}

function column(label, read, show = format, title = "") {
  return {
    label, title,
    cell: feature => h("td", {}, values(feature, read, show)),
    key: feature => rank(read(feature.stats[0], 0) ?? (two ? read(feature.stats[1], 1) : null)),
  };
}

const featureColumn = {
  label: "Feature", title: "", className: "feature",
  key: feature => feature.label,
  cell: feature => h("td", { class: "feature" },
    h("button", { class: "name", "aria-expanded": "false", onclick: () => toggle(feature) }, feature.name || "(no name)"),
    h("span", { class: "type" }, typeOf(feature)),
    feature.anomalies.map(anomaly => h("span", { class: "anomaly", title: anomaly.text }, badge(anomaly), anomaly.short))),
};
const chartColumn = {
  label: "Distribution", title: "sorts by how uneven it is", className: "left",
  key: feature => unevenness(feature),
  cell: feature => feature.chartCell = h("td", { class: "chart left" }),
};
const distanceColumn = {
  label: "Distance", title: "the largest distance between the two datasets",
  key: feature => farthest(feature)?.value ?? null,
  cell: feature => {
    const distance = farthest(feature);
    if (!distance) return h("td", {}, "–");
    const far = feature.distances.some(isFar) ? "far" : "";
    const width = `${Math.min(100, Math.max(0, distance.value * 100)).toFixed(1)}%`;
    return h("td", { title: `${distance.measure} = ${distance.value}` },
      h("span", { class: far }, small(distance.value), far && " !"),
      h("span", { class: "meter" }, h("i", { class: far, style: `width:${width}` })));
  },
};
const missingColumn = column("Missing", missing, part => share("missing", part), "share of examples without a value");

const tables = [
  {
    id: "numbers", title: "Numbers", kind: "number",
    columns: [
      featureColumn, two && distanceColumn, chartColumn, missingColumn,
      column("Zeros", zeros, part => share("zeros", part), "share of values that are zero"),
      column("Mean", ofValues("mean")), column("Std dev", ofValues("std")),
      column("Min", ofValues("min")), column("Median", ofValues("median")), column("Max", ofValues("max")),
    ],
  },
  {
    id: "texts", title: "Text", kind: "text",
    columns: [
      featureColumn, two && distanceColumn, chartColumn, missingColumn,
      column("Unique", stat("unique")), column("Avg length", ofValues("length")),
      {
        label: "Most frequent", title: "sorts by its share", className: "left",
        key: feature => topShare(feature, 0),
        cell: feature => h("td", { class: "left" }, SIDES.map(side => {
          const best = mostFrequent(feature, side);
          if (!best) return h("span", { class: `value ${CLASS[side]}` }, "–");
          return h("span", { class: `value ${CLASS[side]}` },
            h("span", { class: "top", title: best[0] }, JSON.stringify(best[0])), " ", percent(topShare(feature, side)));
        })),
      },
    ],
  },
  {
    id: "composites", title: "Made of several columns", kind: "composite",
    columns: [
      featureColumn,
      {
        label: "What does not match", title: "", className: "left",
        key: feature => notesOf(feature, 0).length,
        cell: feature => h("td", { class: "left" }, SIDES.map(side => h("span", { class: `value ${CLASS[side]}` },
          notesOf(feature, side).map(([name, text]) => `${name}: ${text}`).join("; ") || "–"))),
      },
    ],
  },
  { id: "absent", title: "Not in the data", kind: "none", columns: [featureColumn] },
];

function notesOf(feature, side) {
  return feature.stats[side]?.notes || [];
}

function typeOf(feature) {
  const [current, baseline] = feature.types;
  if (!current && !baseline) return "";
  if (!two) return current;
  if (!current) return `${baseline}, only in ${data.datasets[1].name}`;
  if (!baseline) return `${current}, only in ${data.datasets[0].name}`;
  return current === baseline ? current : `${current}, was ${baseline}`;
}

function badge(anomaly) {
  const className = anomaly.severity === "ERROR" ? "error" : "warning";
  return h("span", { class: `badge ${className}` }, anomaly.severity);
}

function mostFrequent(feature, side) {
  let best = null;
  for (const entry of feature.top || []) {
    if (entry[side + 1] !== null && (!best || entry[side + 1] > best[side + 1])) best = entry;
  }
  return best;
}

function topShare(feature, side) {
  const best = mostFrequent(feature, side);
  return best ? ratio(best[side + 1], feature.stats[side].total) : null;
}

/// 1 minus the normalized entropy of the histogram: 0 where all buckets are alike, 1 where one has all.
function unevenness(feature) {
  const stats = feature.stats[0] || feature.stats[1];
  if (!stats) return null;
  const counts = stats.histogram ? finite(stats.histogram).map(bucket => bucket[2])
    : (feature.top || []).map(entry => entry[feature.stats[0] ? 1 : 2] || 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (!total || counts.length < 2) return null;
  const entropy = counts.reduce((sum, n) => n > 0 ? sum - n / total * Math.log(n / total) : sum, 0);
  return 1 - entropy / Math.log(counts.length);
}

// ---- charts ----

const finite = buckets => (buckets || []).filter(bucket => isNumber(bucket[0]) && isNumber(bucket[1]));
const height = (value, max, count) => {
  if (max <= 0 || value <= 0) return 0;
  return state.log ? Math.log1p(value * count) / Math.log1p(max * count) : value / max;
};

function chart(feature, width, tall, detailed) {
  const bottom = detailed ? 18 : 0;
  const svg = s("svg", { width: width, height: tall + bottom, viewBox: `0 0 ${width} ${tall + bottom}`, role: "img" });
  const isText = (feature.top || []).length > 0;
  const drawn = isText ? bars(feature, svg, width, tall)
    : state.quantiles ? quantiles(feature, svg, width, tall, detailed) : histogram(feature, svg, width, tall, detailed);
  if (!drawn) return null;
  return svg;
}

/// Returns where the numbers of both datasets lie.
function extent(feature, key) {
  let low = Infinity, high = -Infinity;
  for (const side of SIDES) {
    for (const bucket of finite(feature.stats[side]?.[key])) {
      low = Math.min(low, bucket[0]);
      high = Math.max(high, bucket[1]);
    }
  }
  if (low > high) return null;
  const pad = low === high ? Math.max(Math.abs(low) * 0.01, 0.5) : 0;
  return [low - pad, high + pad];
}

function histogram(feature, svg, width, tall, detailed) {
  const range = extent(feature, "histogram");
  if (!range) return false;
  const [low, high] = range;
  const x = value => (value - low) / (high - low) * width;
  const narrowest = (high - low) / 60;
  // Heights are shares of all values in a tenth of the range, so that buckets of other widths compare.
  const sides = SIDES.map(side => finite(feature.stats[side]?.histogram).map(([from, to, count]) => {
    const wide = Math.max(to - from, narrowest);
    const middle = (from + to) / 2;
    const [left, right] = to - from < narrowest
      ? [Math.max(low, Math.min(high - wide, middle - wide / 2)), 0] : [from, to];
    const share = ratio(count, feature.stats[side].total) || 0;
    return { left, right: right || left + wide, from, to, count, share, dense: share / wide * (high - low) / 10 };
  }));
  const max = Math.max(...sides.flat().map(bar => bar.dense));
  const count = Math.max(...SIDES.map(side => feature.stats[side]?.total || 0));
  svg.append(s("line", { x1: 0, x2: width, y1: tall - 0.5, y2: tall - 0.5, class: "axis" }));
  sides.forEach((bars, side) => {
    if (!bars.length) return;
    if (side === 0) {
      for (const bar of bars) {
        const up = height(bar.dense, max, count) * (tall - 2);
        const gap = bars.length > 1 ? 1 : 0;
        svg.append(s("rect", {
          x: x(bar.left), y: tall - up, width: Math.max(1, x(bar.right) - x(bar.left) - gap), height: up, class: CLASS[0],
        }));
      }
    } else {
      let path = `M${x(bars[0].left).toFixed(1)} ${tall}`;
      for (const bar of bars) {
        const up = (tall - height(bar.dense, max, count) * (tall - 2)).toFixed(1);
        path += `V${up}H${x(bar.right).toFixed(1)}`;
      }
      svg.append(s("path", { d: `${path}V${tall}`, class: CLASS[1] }));
    }
  });
  for (const [side, bars] of sides.entries()) {
    // One set of places to point at; of two datasets the current one's, if it has any.
    if (side === 1 && sides[0].length) break;
    for (const bar of bars) {
      const text = `${format(bar.from)} to ${format(bar.to)}: ${format(bar.count)} (${percent(bar.share)})`;
      svg.append(s("rect", {
        x: x(bar.left), y: 0, width: Math.max(1, x(bar.right) - x(bar.left)), height: tall, class: "hit",
      }, s("title", {}, text)));
    }
  }
  if (detailed) axis(svg, low, high, width, tall);
  return true;
}

function quantiles(feature, svg, width, tall, detailed) {
  const range = extent(feature, "quantiles");
  if (!range) return false;
  const [low, high] = range;
  const x = value => (value - low) / (high - low) * width;
  const drawn = SIDES.filter(side => finite(feature.stats[side]?.quantiles).length);
  const band = tall / drawn.length;
  drawn.forEach((side, place) => {
    const top = place * band + 3;
    const buckets = finite(feature.stats[side].quantiles);
    buckets.forEach(([from, to, count], index) => {
      const share = percent(ratio(count, feature.stats[side].total));
      svg.append(s("rect", {
        x: x(from), y: top, width: Math.max(1.5, x(to) - x(from)), height: band - 6,
        class: side ? "baseline bar" : "current", opacity: side ? 1 : index % 2 ? 0.55 : 0.9,
      }, s("title", {}, `${format(from)} to ${format(to)}: ${format(count)} (${share})`)));
    });
    const median = feature.stats[side].median;
    if (isNumber(median)) {
      svg.append(s("line", { x1: x(median), x2: x(median), y1: top - 2, y2: top + band - 4, class: "median" },
        s("title", {}, `median ${format(median)}`)));
    }
  });
  if (detailed) axis(svg, low, high, width, tall);
  return true;
}

function axis(svg, low, high, width, tall) {
  const places = [[low, 0, "start"], [(low + high) / 2, width / 2, "middle"], [high, width, "end"]];
  for (const [value, x, anchor] of places) {
    svg.append(s("text", { x, y: tall + 14, "text-anchor": anchor }, format(Number(value.toPrecision(6)))));
  }
}

function bars(feature, svg, width, tall) {
  const shares = side => feature.top.map(entry => {
    return feature.stats[side] ? ratio(entry[side + 1], feature.stats[side].total) || 0 : 0;
  });
  const sides = SIDES.map(shares);
  const max = Math.max(...sides.flat());
  const count = Math.max(...SIDES.map(side => feature.stats[side]?.total || 0));
  const slot = Math.min(width / feature.top.length, width / 4);
  svg.append(s("line", { x1: 0, x2: width, y1: tall - 0.5, y2: tall - 0.5, class: "axis" }));
  feature.top.forEach(([value], index) => {
    const bar = (slot - 1) / SIDES.length;
    const text = SIDES.map(side => `${two ? data.datasets[side].name + ": " : ""}${percent(sides[side][index])}`).join(", ");
    for (const side of SIDES) {
      const up = height(sides[side][index], max, count) * (tall - 2);
      if (up > 0) svg.append(s("rect", {
        x: index * slot + side * bar + (side ? 0.6 : 0), y: tall - up, width: Math.max(1, bar - (side ? 1.2 : 0)), height: up,
        class: side ? "baseline bar" : "current",
      }));
    }
    svg.append(s("rect", { x: index * slot, y: 0, width: slot, height: tall, class: "hit" },
      s("title", {}, `${JSON.stringify(value)}: ${text}`)));
  });
  return true;
}

/// Charts are drawn when they come into view, so that a thousand features cost what a screenful does.
const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) drawRow(entry.target.feature);
}, { rootMargin: "300px" });

function drawRow(feature) {
  watcher.unobserve(feature.chartCell);
  feature.chartCell.replaceChildren(chart(feature, 170, 44, false) || "–");
  if (feature.details) feature.details.bigChart.replaceChildren(chart(feature, 460, 150, true) || "no finite values");
}

function redraw() {
  for (const feature of features) {
    if (!feature.chartCell) continue;
    watcher.unobserve(feature.chartCell);
    watcher.observe(feature.chartCell);
  }
}

// ---- details ----

function toggle(feature) {
  const button = feature.body.querySelector(".name");
  if (feature.details) {
    feature.details.remove();
    feature.details = null;
    button.setAttribute("aria-expanded", "false");
    return;
  }
  button.setAttribute("aria-expanded", "true");
  const bigChart = h("div", {}, chart(feature, 460, 150, true) || "no finite values");
  const columns = feature.body.firstElementChild.children.length;
  feature.details = h("tr", { class: "details" }, h("td", { colspan: columns }, h("div", { class: "panes" },
    hasValues(feature) ? h("div", {}, h("h4", {}, "Distribution"), bigChart) : null,
    numbersPane(feature), notesPane(feature), topPane(feature), anomaliesPane(feature), distancesPane(feature))));
  feature.details.bigChart = bigChart;
  feature.body.append(feature.details);
}

const hasValues = feature => feature.kind === "number" || feature.kind === "text";

function notesPane(feature) {
  const names = [...new Set(SIDES.flatMap(side => notesOf(feature, side).map(([name]) => name)))];
  if (!names.length) return null;
  const text = (side, name) => (notesOf(feature, side).find(note => note[0] === name) || [null, "–"])[1];
  const rows = names.map(name => h("tr", {}, h("td", {}, name), SIDES.map(side => h("td", {}, text(side, name)))));
  const head = two && h("tr", {}, h("th", {}), SIDES.map(side => h("th", {}, swatch(side), data.datasets[side].name)));
  return h("div", {}, h("h4", {}, "Also known"), h("table", {}, head, rows));
}

function numbersPane(feature) {
  if (!hasValues(feature)) return null;
  const lines = [
    ["examples with a value", stat("present")], ["examples without", stat("missing")], ["values", stat("total")],
    ["values per example", stats => stats?.values && `${format(stats.values[0])} to ${format(stats.values[2])}, ${format(stats.values[1])} on average`],
    ["zeros", stat("zeros")], ["not a number", stat("nan")], ["mean", ofValues("mean")], ["std dev", ofValues("std")], ["min", ofValues("min")],
    ["median", ofValues("median")], ["max", ofValues("max")], ["unique values", stat("unique")],
    ["average length", ofValues("length")], ["not UTF-8", stats => stats?.invalid || null],
  ];
  const rows = lines.filter(([, read]) => SIDES.some(side => (read(feature.stats[side]) ?? null) !== null))
    .map(([label, read]) => h("tr", {}, h("td", {}, label), SIDES.map(side => h("td", {}, format(read(feature.stats[side]))))));
  const head = two && h("tr", {}, h("th", {}), SIDES.map(side =>
    h("th", {}, swatch(side), data.datasets[side].name)));
  return h("div", {}, h("h4", {}, "Statistics"), h("table", {}, head, rows));
}

function topPane(feature) {
  if (!feature.top) return null;
  const parts = feature.top.map(entry => SIDES.map(side => ratio(entry[side + 1], feature.stats[side]?.total)));
  const max = Math.max(...parts.flat().map(part => part || 0)) || 1;
  const rows = feature.top.map(([value], index) => h("tr", {},
    h("td", { class: "word" }, value === "" ? "(empty)" : value),
    SIDES.map(side => h("td", {}, parts[index][side] === null ? "–" : percent(parts[index][side]))),
    h("td", { class: "bar" }, SIDES.map(side =>
      parts[index][side] !== null && h("i", { class: CLASS[side], style: `width:${(parts[index][side] / max * 100).toFixed(1)}%` })))));
  return h("div", {}, h("h4", {}, "Most frequent values"), h("table", {}, rows));
}

function anomaliesPane(feature) {
  if (!feature.anomalies.length) return null;
  return h("div", {}, h("h4", {}, "Anomalies"), h("ul", {}, feature.anomalies.map(anomaly =>
    h("li", {}, badge(anomaly), h("b", {}, anomaly.short), ". ", anomaly.text))));
}

function distancesPane(feature) {
  if (!feature.distances.length) return null;
  return h("div", {}, h("h4", {}, "Distances"), h("ul", {}, feature.distances.map(distance =>
    h("li", {}, distance.measure, " = ", h("b", { class: isFar(distance) ? "far" : "" }, format(distance.value)),
      isNumber(distance.threshold) && ` (limit ${format(distance.threshold)})`,
      h("br"), h("code", {}, data.formulas[distance.formula])))));
}

// ---- the page ----

function swatch(side) {
  return two ? h("span", { class: `swatch ${CLASS[side]}` }) : null;
}

function cards() {
  return h("div", { class: "cards" }, data.datasets.map((dataset, side) => {
    const all = features.map(feature => feature.stats[side]).filter(Boolean);
    const gone = all.reduce((sum, stats) => sum + (stats.missing || 0), 0);
    const cells = all.reduce((sum, stats) => sum + (stats.missing || 0) + (stats.present || 0), 0);
    return h("div", { class: "card" }, h("h3", {}, swatch(side), dataset.name),
      h("p", {}, `${format(dataset.examples)} examples, ${format(dataset.features)} features`),
      h("p", {}, `${percent(ratio(gone, cells) ?? 0)} of all values missing`));
  }));
}

function found() {
  if (data.schema === null) return null;
  const count = severity => data.anomalies.filter(anomaly => anomaly.severity === severity).length;
  const say = (number, word) => number ? `${number} ${word}${number === 1 ? "" : "s"}` : null;
  const counts = [say(count("ERROR"), "error"), say(data.anomalies.length - count("ERROR"), "warning")].filter(Boolean).join(", ");
  if (!counts) return h("p", { class: "found clean" }, `No anomalies: the data fits ${data.schema}`);
  const byName = new Map(features.map(feature => [feature.name, feature]));
  return h("details", { class: "found", open: data.anomalies.length <= 12 },
    h("summary", {}, `${counts} against ${data.schema}`),
    h("ul", {}, data.anomalies.map(anomaly => {
      const feature = byName.get(anomaly.feature);
      const name = feature
        ? h("a", { href: `#feature-${feature.index}`, onclick: () => reveal(feature) }, feature.name) : h("b", {}, "(dataset)");
      return h("li", {}, badge(anomaly), name, " – ", anomaly.short, anomaly.text && anomaly.text !== anomaly.short ? `: ${anomaly.text}` : "");
    })));
}

/// Makes a feature visible that a filter hides.
function reveal(feature) {
  if (!feature.body.hidden) return;
  state.search = state.tools.search.value = "";
  state.only = "all";
  for (const button of state.tools.only.children) button.setAttribute("aria-pressed", String(button.value === "all"));
  filter();
}

function choice(options, chosen, choose) {
  const buttons = options.map(([value, label]) => h("button", {
    type: "button", value, "aria-pressed": String(value === chosen),
    onclick: event => {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      choose(value);
    },
  }, label));
  return h("span", { class: "choice", role: "group" }, buttons);
}

const only = {
  all: () => true,
  anomalies: feature => feature.anomalies.length > 0,
  missing: feature => SIDES.some(side => feature.stats[side]?.missing > 0),
  zeros: feature => SIDES.some(side => feature.stats[side]?.zeros > 0),
};

function tools() {
  const number = key => features.filter(only[key]).length;
  const options = [["all", `All ${features.length}`]];
  if (data.schema !== null) options.push(["anomalies", `Anomalies ${number("anomalies")}`]);
  options.push(["missing", `Missing ${number("missing")}`], ["zeros", `Zeros ${number("zeros")}`]);
  const search = h("input", {
    type: "search", placeholder: "Find a feature", "aria-label": "Find a feature",
    oninput: event => { state.search = event.target.value.toLowerCase(); filter(); },
  });
  const filters = choice(options, "all", value => { state.only = value; filter(); });
  state.tools = { search, only: filters, count: h("span", { class: "count", "aria-live": "polite" }) };
  return h("div", { class: "tools" }, search, filters,
    choice([["linear", "Linear"], ["log", "Log"]], "linear", value => { state.log = value === "log"; redraw(); }),
    choice([["histogram", "Histogram"], ["quantiles", "Quantiles"]], "histogram",
      value => { state.quantiles = value === "quantiles"; redraw(); }),
    state.tools.count);
}

function filter() {
  let shown = 0;
  for (const feature of features) {
    const fits = feature.label.includes(state.search) && only[state.only](feature);
    feature.body.hidden = !fits;
    shown += fits;
  }
  for (const table of tables) {
    if (table.element) table.element.hidden = !table.rows.some(feature => !feature.body.hidden);
  }
  state.tools.count.textContent = shown === features.length ? "" : `${shown} of ${features.length} features`;
}

function sort(table, column, heading) {
  const before = heading.getAttribute("aria-sort");
  for (const other of table.headings) other.removeAttribute("aria-sort");
  const first = column === featureColumn ? "ascending" : "descending";
  const second = column === featureColumn ? "descending" : "ascending";
  const order = before === first ? second : before === second ? null : first;
  let rows = [...table.rows];
  if (order) {
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const [x, y] = [column.key(a), column.key(b)];
      if (x === null || y === null) return (x === null) - (y === null) || a.index - b.index;
      return (x < y ? -sign : x > y ? sign : 0) || a.index - b.index;
    });
  }
  table.grid.append(...rows.map(feature => feature.body));
}

function section(table) {
  table.rows = features.filter(feature => feature.kind === table.kind);
  if (!table.rows.length) return null;
  table.columns = table.columns.filter(Boolean);
  table.headings = table.columns.map(column => {
    const heading = h("th", { class: column.className, scope: "col" },
      h("button", { type: "button", title: column.title || null, onclick: () => sort(table, column, heading) }, column.label));
    return heading;
  });
  for (const feature of table.rows) {
    feature.body = h("tbody", { id: `feature-${feature.index}` },
      h("tr", { class: `main ${feature.worst}` }, table.columns.map(column => column.cell(feature))));
    if (feature.chartCell) {
      feature.chartCell.feature = feature;
      watcher.observe(feature.chartCell);
    }
  }
  table.grid = h("table", { class: two ? "grid two" : "grid" }, h("thead", {}, h("tr", {}, table.headings)),
    table.rows.map(feature => feature.body));
  table.element = h("section", { id: table.id },
    h("h2", {}, table.title, h("small", {}, `${table.rows.length}`)), h("div", { class: "scroll" }, table.grid));
  return table.element;
}

view.replaceChildren(...[
  cards(), found(), tools(), ...tables.map(section),
  features.length ? null : h("p", { class: "empty" }, "There are no features."),
].filter(Boolean));
return () => features.forEach(feature => feature.chartCell && drawRow(feature));
}

// ---- all examples, or a slice of them ----

const page = JSON.parse(document.getElementById("data").textContent);
const view = h("div", {});
let drawAll = show(page, view);

function slices() {
  if (!page.slices.length) return null;
  const options = page.slices.map((slice, index) => h("option", { value: index }, slice.title));
  const more = page.more_slices && h("option", { disabled: true }, `and ${format(page.more_slices)} more, which are not on this page`);
  const choose = event => drawAll = show(event.target.value === "" ? page : page.slices[event.target.value], view);
  return h("label", { class: "slices" }, "Slice ",
    h("select", { onchange: choose, autocomplete: "off" }, h("option", { value: "" }, "all examples"), options, more));
}

document.getElementById("page").append(...[h("h1", {}, page.title), slices(), view].filter(Boolean));
addEventListener("beforeprint", () => drawAll());
})();
