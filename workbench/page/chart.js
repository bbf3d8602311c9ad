// The time line. All bars stand on one axis, so what ran at the same time overlaps.

const MARK = 60; // pixels that a mark wants
const GOOD = new Set(["answered", "direct_result"]);

function drawRun(place, turn, view) {
  if (!turn) return put(place, make("p.hint", {}, "What a run does appears here, as it happens."));
  const { story } = turn;
  const groups = rounds(story);
  const length = Math.max(story.over ? story.end.at : story.now, 0.05,
    ...groups.flatMap((group) => group.rows.map((row) => row.until)));
  const axis = make("div.axis", { "aria-hidden": "true" });
  const grid = make("div.grid", { "aria-hidden": "true" });
  const chart = make("div.chart", {}, axis, grid,
    groups.map((group) => [
      group.head ? headRow(group, length, turn, view) : "",
      group.rows.map((row) => chartRow(row, length, turn, view)),
    ]));
  put(place, make("div.card", {}, summary(story), chart, legend()));
  // How many marks there are depends on how wide the axis has become.
  const ticks = axisTicks(length, Math.min(7, Math.max(2, Math.floor(axis.clientWidth / MARK))));
  put(axis, ticks.map((tick) => at(make("span", {}, tickText(tick)), tick, length)));
  put(grid, ticks.map((tick) => at(make("i"), tick, length)));
}

function drawOutcome(place, turn) {
  put(place, ...(turn ? [outputs(turn.story), made(turn.story)] : []));
}

function summary(story) {
  const began = story.began || {};
  const usage = story.usage;
  const facts = [
    ["Outcome", ...outcome(story)],
    ["Time", story.over ? seconds(story.end.at) : seconds(story.now)],
    ["First text", story.end?.first_text_at ? seconds(story.end.first_text_at) : ""],
    ["Tokens", usage.total_tokens
      ? `${Number(usage.prompt_tokens ?? 0).toLocaleString("en")} in, ${Number(usage.completion_tokens ?? 0).toLocaleString("en")} out` : ""],
    ["Price", price(usage)],
    ["Model", String(began.model || "").split(",")[0].split(" at ")[0]],
    ["Protocol", began.protocol],
  ];
  return make("dl.sum", {}, facts.filter(([, value]) => value).map(([name, value, kind]) =>
    make("div", {}, make("dt", {}, name), make(`dd${kind ? `.${kind}` : ""}`, {}, String(value).replaceAll("_", " ")))));
}

function outcome(story) {
  if (!story.over) return ["running", ""];
  if (story.stopped) return ["stopped", ""];
  if (story.end.failure) return ["failed", "bad"];
  const reason = story.outputs.stop_reason || "answered";
  return [reason, GOOD.has(reason) ? "good" : ""];
}

function headRow(group, length, turn, view) {
  const { head } = group;
  const data = head.log.metadata || {};
  const element = rowElement(head, turn, view, "head",
    at(make("div.span"), head.from, length, head.until),
    [tokens(data.total_tokens), price(data)].filter(Boolean).map((fact) => make("span.fact", {}, fact)));
  return element;
}

function chartRow(row, length, turn, view) {
  const bars = [];
  const first = row.kind === "model" && row.calls.length === 1 ? row.calls[0].firstAt : null;
  if (row.open && row.calls.length && !first) {
    bars.push(at(make("div.wait"), row.from, length, row.until));
  } else if (first && first > row.from && first < row.until) {
    bars.push(at(make("div.wait"), row.from, length, first), at(make("div.span"), first, length, row.until));
  } else bars.push(at(make("div.span"), row.from, length, row.until));
  return rowElement(row, turn, view, "", bars, row.kind === "note" ? "" : seconds(row.until - row.from));
}

function rowElement(row, turn, view, extra, bars, facts) {
  const classes = ["row", row.kind, extra, row.bad ? "bad" : "", row.open ? "open" : "",
    view.row === row.key ? "chosen" : "", view.fades(turn, row) ? "faded" : ""].filter(Boolean);
  return make(`button.${classes.join(".")}`, {
    type: "button", title: row.log?.label || row.name, "data-key": row.key,
    "aria-pressed": String(view.row === row.key),
    onclick: () => view.open(turn, view.row === row.key ? null : row.key),
  },
  make("span.name", {}, row.name, row.told ? make("small", {}, row.told) : ""),
  make("span.track", {}, bars),
  make("span.facts", {}, facts));
}

function at(element, from, length, until = null) {
  element.style.left = `${(Math.max(from, 0) / length) * 100}%`;
  if (until !== null) element.style.width = `${(Math.max(until - from, 0) / length) * 100}%`;
  return element;
}

function axisTicks(length, most) {
  const rough = length / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough);
  const ticks = [];
  for (let tick = 0; tick <= length * 1.0001; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return ticks;
}

function tickText(tick) {
  return tick === 0 ? "0" : tick < 1 ? `${Math.round(tick * 1000)} ms` : `${Number(tick.toFixed(2))} s`;
}

function legend() {
  return make("div.legend", {},
    make("span", {}, make("i.w"), "waits for the model"),
    make("span", {}, make("i"), "model speaks"),
    make("span", {}, make("i.t"), "tool runs"));
}

function outputs(story) {
  const told = Object.entries(story.outputs);
  if (!told.length) return "";
  const blank = told.filter(([, value]) => isBlank(value)).map(([name]) => name);
  return make("div.card", {}, make("h2.title", {}, "Outputs"), make("dl.outputs", {},
    told.filter(([, value]) => !isBlank(value)).map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, textBlock(value)))),
    blank.length ? make("div", {}, make("dt", {}, "(empty)"), make("dd.none", {}, blank.join(", "))) : ""));
}

function isBlank(value) {
  return value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
}

function made(story) {
  if (!story.made.length) return "";
  return make("div.card", {}, make("h2.title", {}, "Files"), make("div.made", {}, story.made.map((file) => {
    const kind = String(file.meta.mime_type || "");
    const name = file.meta.filename || file.url || kind || "file";
    const shown = file.data && /^image\/(png|jpeg|gif|webp)$/.test(kind) && /^[A-Za-z0-9+/=]+$/.test(file.data);
    return shown ? make("img", { src: `data:${kind};base64,${file.data}`, alt: name }) : make("span", {}, name);
  })));
}
