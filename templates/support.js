"use strict";
const ORDER = ["ok", "reshaped", "wrong", "fails", "crashes", "timeout", "unmeasured"];
const STATE = { o: 0, r: 1, w: 2, l: 3, n: 3, c: 4, t: 5 };
const STAGE = { l: "load", n: "run" };
const WORST = [2, 4, 5, 3, 6, 1, 0]; // what is shown first
const $ = (id) => document.getElementById(id);
const panel = $("panel");
const inputs = { q: $("q"), op: $("op"), status: $("status"), on: $("on") };
let data; // {targets, ops: [[op, [[signature, number of cases]...]]...], names, codes, errors, texts, why, unsaid}; see converter/support/page.py
let ops; // op -> {groups: [{key, first, size}], first, size, counts: [per target [per state]]}
let haystack; // for each case, all that the search box looks in
let openCell = ""; // "Resize@4.10.0"
let opener = null;

async function unpack() {
  const bytes = Uint8Array.from(atob($("data").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function state(target, index) {
  return STATE[data.codes[target][index]] ?? 6;
}

function count(target, first, size) {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let i = first; i < first + size; i++) counts[state(target, i)]++;
  return counts;
}

function index() {
  ops = new Map();
  haystack = [];
  let first = 0;
  for (const [op, groups] of data.ops) {
    const entry = { groups: [], first, size: 0 };
    for (const [key, size] of groups) {
      entry.groups.push({ key, first, size });
      for (let i = first; i < first + size; i++) haystack.push(searchable(`${op} ${key} ${data.names[i]}`));
      first += size;
    }
    entry.size = first - entry.first;
    entry.counts = data.targets.map((_, t) => count(t, entry.first, entry.size));
    ops.set(op, entry);
  }
}

function title(op) {
  return op.startsWith("pattern:") ? op.slice(8).replaceAll("_", " ") : op.replace("graph:", "graphs ending in ");
}

function make(tag, properties = {}, ...children) {
  const { style, data: dataset, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (style) element.style.cssText = style;
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

/* Shares of ok, reshaped, wrong, fails, crashes and timeouts as stops of the cell's background. */
function shares(counts) {
  const total = counts.reduce((a, b) => a + b) || 1;
  let sum = 0;
  const stops = [counts[0], counts[1], counts[2], counts[3], counts[4] + counts[5]];
  return stops.map((n, i) => `--${"abcde"[i]}:${((100 * (sum += n)) / total).toFixed(1)}%`).join(";");
}

function ratio(counts) {
  const measured = counts.slice(0, 6).reduce((a, b) => a + b);
  return measured ? `${counts[0] + counts[1]}/${measured}` : "–";
}

// --- the table ---

function searchable(text) {
  return text.toLowerCase().replaceAll("_", " ");
}

function words() {
  return searchable(inputs.q.value).split(/\s+/).filter(Boolean);
}

/* Does one of these cases hold every word? */
function holds({ first, size }, asked) {
  for (let i = first; i < first + size; i++) if (asked.every((word) => haystack[i].includes(word))) return true;
  return false;
}

function filter() {
  const asked = words();
  const wanted = ORDER.indexOf(inputs.status.value);
  const on = data.targets.indexOf(inputs.on.value);
  const summary = [];
  for (const table of document.querySelectorAll("table[data-grid]")) {
    let shown = 0, rows = 0;
    for (const row of table.tBodies[0].rows) {
      const entry = ops.get(row.dataset.op);
      if (!entry) continue; // the row that counts all
      const columns = on < 0 ? entry.counts : [entry.counts[on]];
      const said = searchable(row.cells[0].textContent);
      const visible = (asked.every((word) => said.includes(word)) || holds(entry, asked)) && (!inputs.op.value || row.dataset.op === inputs.op.value)
        && (wanted < 0 || columns.some((counts) => counts[wanted]));
      row.hidden = !visible;
      rows++;
      shown += visible;
    }
    table.parentElement.querySelector(".none").hidden = shown > 0 || rows === 0;
    summary.push(`${shown} of ${rows} ${table.dataset.grid === "ops" ? "ops" : "patterns"}`);
    rove(table);
  }
  $("shown").textContent = summary.join(", ");
}

/* One cell of a table is in the tab order; the arrow keys reach the others. */
function rove(table, cell = null) {
  const visible = [...table.querySelectorAll("tbody tr:not([hidden]) .c:not([disabled])")];
  const now = cell ?? visible.find((c) => c.tabIndex === 0) ?? visible[0];
  for (const other of table.querySelectorAll(".c")) other.tabIndex = other === now ? 0 : -1;
  return now;
}

function step(event) {
  const cell = event.target.closest("table .c");
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -99], End: [0, 99] }[event.key];
  if (!cell || !move) return;
  event.preventDefault();
  const table = cell.closest("table");
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden && ops.has(row.dataset.op));
  const row = rows[Math.min(Math.max(rows.indexOf(cell.closest("tr")) + move[0], 0), rows.length - 1)];
  const column = cell.parentElement.cellIndex - 1 + move[1];
  rove(table, row.querySelectorAll(".c")[Math.min(Math.max(column, 0), data.targets.length - 1)]).focus();
}

// --- the evidence ---

/* The text with what was searched for marked. */
function marked(text, asked) {
  const searched = searchable(text);
  const parts = [];
  let end = 0;
  while (asked.length) {
    const hits = asked.map((word) => [searched.indexOf(word, end), word.length]).filter(([at]) => at >= 0);
    if (!hits.length) break;
    const [at, length] = hits.sort((a, b) => a[0] - b[0])[0];
    parts.push(text.slice(end, at), make("mark", {}, text.slice(at, at + length)));
    end = at + length;
  }
  return [...parts, text.slice(end)];
}

function why(target, i) {
  const letter = data.codes[target][i];
  const text = data.why[target][i] === undefined ? "" : data.texts[data.why[target][i]];
  const error = data.errors[target][i];
  if (letter === "w") return error === undefined ? text || data.unsaid : `relative difference ${error.toExponential(0)}${text ? "; " + text : ""}`;
  return STAGE[letter] && text ? `at ${STAGE[letter]}: ${text}` : text;
}

function cases(target, group, hidden, asked) {
  const list = make("ul");
  const order = [...Array(group.size).keys()].map((k) => group.first + k);
  order.sort((a, b) => WORST.indexOf(state(target, a)) - WORST.indexOf(state(target, b)) || a - b);
  for (const i of order) {
    const name = ORDER[state(target, i)];
    if (hidden.has(name)) continue;
    const item = make("li", {}, make("span", { className: `chip ${name}` }, name), " ", make("code", {}, ...marked(data.names[i], asked)));
    const reason = why(target, i);
    if (reason) item.append(make("span", { className: "why" }, reason));
    list.append(item);
  }
  return list;
}

function groupsOf(op, target, hidden) {
  const entry = ops.get(op);
  const asked = words().filter((word) => !searchable(op).includes(word)); // the op's own name is in all of them
  const holder = make("div");
  const groups = entry.groups.map((group) => ({ ...group, counts: count(target, group.first, group.size) }));
  const rank = (group) => WORST.findIndex((s) => group.counts[s]);
  groups.sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
  let opened = 0;
  for (const group of groups) {
    if (!ORDER.some((name, s) => group.counts[s] && !hidden.has(name))) continue;
    const found = asked.length > 0 && holds(group, asked);
    const bar = make("span", { className: "c bar", style: shares(group.counts) }, ratio(group.counts));
    const details = make("details", {}, make("summary", {}, bar, make("code", {}, ...marked(group.key, asked))));
    const fill = () => details.childElementCount < 2 && details.append(cases(target, group, hidden, asked));
    details.addEventListener("toggle", fill);
    if (groups.length === 1 || (found && opened < 20) || (!asked.length && opened < 6 && (group.counts[0] + group.counts[1] < group.size || groups.length < 4))) {
      details.open = true;
      opened++;
      fill();
    }
    holder.append(details);
  }
  return holder;
}

function show(cell, { focus = true } = {}) {
  const op = cell.slice(0, cell.lastIndexOf("@"));
  const name = cell.slice(cell.lastIndexOf("@") + 1);
  const target = data.targets.indexOf(name);
  if (!ops.has(op) || target < 0) return hide();
  openCell = cell;
  const entry = ops.get(op);
  const hidden = new Set();
  let list = groupsOf(op, target, hidden);
  const chips = ORDER.flatMap((state, s) => {
    if (!entry.counts[target][s]) return [];
    const chip = make("button", { className: `chip ${state}`, ariaPressed: "true" }, `${entry.counts[target][s]} ${state}`);
    chip.onclick = () => {
      chip.ariaPressed = String(!hidden.delete(state) && !hidden.add(state) || !hidden.has(state));
      const fresh = groupsOf(op, target, hidden);
      list.replaceWith(fresh);
      list = fresh;
    };
    return [chip];
  });
  const close = make("button", { className: "plain close", onclick: hide }, "Close");
  const versions = data.targets.map((other, t) => make(
    "button",
    { className: "c", style: shares(entry.counts[t]), title: ratio(entry.counts[t]), ariaPressed: String(t === target), onclick: () => show(`${op}@${other}`) },
    other,
  ));
  const heading = make("h2", { id: "panel-title", tabIndex: -1 }, `${title(op)} on OpenCV ${name}`);
  const head = make("div", { className: "head" }, close, heading, make("div", { className: "versions", ariaLabel: "Other versions" }, ...versions),
    make("div", { className: "counts", ariaLabel: "Show or hide" }, ...chips));
  panel.replaceChildren(head, list);
  panel.hidden = false;
  panel.scrollTop = 0;
  for (const c of document.querySelectorAll("table .c[aria-pressed]")) c.removeAttribute("aria-pressed");
  opener = document.querySelector(`tr[data-op="${CSS.escape(op)}"]`)?.querySelectorAll(".c")[target] ?? null;
  opener?.setAttribute("aria-pressed", "true");
  if (focus) heading.focus();
  remember();
}

function hide() {
  panel.hidden = true;
  openCell = "";
  opener?.removeAttribute("aria-pressed");
  if (opener && !opener.closest("tr").hidden) rove(opener.closest("table"), opener).focus();
  remember();
}

// --- the address: what is shown can be linked to ---

function remember() {
  const state = new URLSearchParams();
  for (const [name, input] of Object.entries(inputs)) if (input.value.trim()) state.set(name, input.value.trim());
  if (openCell) state.set("cell", openCell);
  const text = state.toString();
  if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : "#");
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  const asked = new URLSearchParams(location.search);
  for (const [name, input] of Object.entries(inputs)) input.value = state.get(name) ?? asked.get(name) ?? "";
  filter();
  const cell = state.get("cell") ?? asked.get("cell");
  if (cell) show(cell, { focus: false });
}

function reset() {
  for (const input of Object.values(inputs)) input.value = "";
  filter();
  remember();
  inputs.q.focus();
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("table .c");
  if (cell) show(`${cell.closest("tr").dataset.op}@${data.targets[cell.parentElement.cellIndex - 1]}`);
  if (event.target.closest("[data-reset]")) reset();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.hidden) hide();
  else if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) {
    event.preventDefault();
    inputs.q.focus();
  } else step(event);
});
unpack().then((unpacked) => {
  data = unpacked;
  index();
  for (const input of Object.values(inputs)) input.addEventListener("input", () => { filter(); remember(); });
  addEventListener("hashchange", recall);
  recall();
  document.documentElement.dataset.ready = "true";
}, () => { $("shown").textContent = "This browser cannot unpack the evidence; the table is complete."; });
