// A run as it is told line by line: by a saved file, by the server, or by the player.
"use strict";

class Story {
  constructor() {
    this.lines = [];
    this.began = null;
    this.end = null;
    this.now = 0;
    this.spoken = []; // text and tool calls, in the order in which the reader saw them
    this.logs = new Map();
    this.calls = new Map();
    this.outputs = {};
    this.usage = {};
    this.made = [];
  }

  get stopped() {
    return this.end?.failure === "stopped by the reader";
  }

  get over() {
    return this.end !== null;
  }

  apply(line) {
    this.lines.push(line);
    this.now = Math.max(this.now, line.at || 0);
    const read = Story.readers[line.type];
    if (read) read(this, line, line.message || {});
  }

  say(text) {
    const last = this.spoken.at(-1);
    if (last && "text" in last) last.text += text;
    else this.spoken.push({ text });
  }

  logsBelow(parent) {
    const known = (id) => this.logs.has(id);
    return [...this.logs.values()].filter((log) =>
      parent === null ? !known(log.parent_id) : log.parent_id === parent);
  }

  // Seconds since the run began; logs count from the epoch.
  since(moment) {
    return typeof moment === "number" && this.began ? moment - this.began.began_at : 0;
  }
}

Story.readers = {
  begin(story, line) {
    story.began = line;
  },
  end(story, line) {
    story.end = line;
    Object.assign(story.outputs, line.outputs);
    story.usage = line.usage || {};
  },
  text(story, line, body) {
    story.say(String(body.text ?? ""));
    const speaking = [...story.calls.values()].findLast((call) => call.kind === "llm" && call.until === null);
    if (speaking) speaking.firstAt ??= line.at;
  },
  log(story, line, body) {
    const before = story.logs.get(body.id);
    const started = before ? before.started : body.label;
    story.logs.set(body.id, { ...body, started, at: before ? before.at : line.at, until: line.at });
  },
  call(story, line) {
    story.calls.set(line.call, { ...line, until: null, answer: null });
    if (line.kind === "tool") story.spoken.push({ call: line.call });
  },
  answer(story, line) {
    const call = story.calls.get(line.call);
    if (call) Object.assign(call, { until: line.at, firstAt: line.first_at, error: line.error,
      answer: line.answer, pieces: line.pieces });
  },
  json(story, line, body) {
    const value = body.json_object;
    if (value && value.execution_metadata) story.usage = value.execution_metadata;
  },
  variable(story, line, body) {
    const before = body.stream ? story.outputs[body.variable_name] ?? "" : "";
    story.outputs[body.variable_name] = body.stream ? before + body.variable_value : body.variable_value;
  },
  blob(story, line, body) {
    story.made.push({ data: body.blob, meta: line.meta || {} });
  },
};
for (const kind of ["image", "image_link", "binary_link", "link"]) {
  Story.readers[kind] = (story, line, body) => story.made.push({ url: body.text, meta: line.meta || {} });
}

// The rows of the time line: rounds, and in each the model calls, tools and notices.
function rounds(story) {
  const free = new Set(story.calls.values());
  const groups = [];
  for (const top of story.logsBelow(null)) {
    const below = leaves(story, top.id);
    if (!below.length && !["round", "part"].includes(kindOf(top))) {
      groups.push({ head: null, rows: [rowOf(story, top, free)] });
    } else {
      groups.push({ head: rowOf(story, top, new Set()), rows: below.map((log) => rowOf(story, log, free)) });
    }
  }
  const loose = [...free].map((call) => looseRow(story, call));
  for (const row of loose) {
    const home = groups.findLast((group) => group.head && group.head.from <= row.from + 0.05);
    if (home) home.rows.push(row);
    else groups.push({ head: null, rows: [row] });
  }
  for (const group of groups) group.rows.sort((one, other) => one.from - other.from);
  return groups.sort((one, other) => start(one) - start(other));
}

// What stands below a round, or below the rounds of a step.
function leaves(story, id) {
  return story.logsBelow(id).flatMap((log) => (kindOf(log) === "round" ? leaves(story, log.id) : [log]));
}

function start(group) {
  return group.head ? group.head.from : group.rows[0].from;
}

function rowOf(story, log, free) {
  const data = log.metadata || {};
  const from = data.started_at ? story.since(data.started_at) : log.at;
  const open = log.status === "start";
  const until = open ? story.now : data.finished_at ? story.since(data.finished_at) : log.until;
  const kind = kindOf(log);
  const calls = kind === "model" ? modelCalls(story, free, from, open ? Infinity : until)
    : kind === "tool" ? toolCall(free, log, from, open ? Infinity : until) : [];
  for (const call of calls) free.delete(call);
  return { key: `log ${log.id}`, kind, log, calls, from: Math.max(from, 0), until: Math.max(until, from, 0),
    open: open && !story.over, bad: log.status === "error", ...named(log, kind) };
}

function looseRow(story, call) {
  const kind = call.kind === "llm" ? "model" : "tool";
  const name = kind === "model" ? call.asked.model : call.asked.tool;
  const open = call.until === null;
  return { key: `call ${call.call}`, kind, log: null, calls: [call], name: String(name), told: "",
    from: call.at, until: open ? story.now : call.until, open: open && !story.over, bad: Boolean(call.error) };
}

function kindOf(log) {
  if (/^(✗ )?ROUND\b/.test(log.label)) return "round";
  if (/^(✗ )?((RE)?PLAN|STEP|ANSWER)\b/.test(log.label)) return "part";
  if (/^(✗ )?CALL\b/.test(log.label)) return "tool";
  return /\bThought\b/.test(log.label) ? "model" : "note";
}

// A label reads "CALL search → 3 results" or "✗ CALL search → timed out". It is made for Dify's narrow
// tree, so a long name is cut in it; the label with which the log started has the whole.
function named(log, kind) {
  const [, mark = "", name, told = ""] = /^(✗ )?(.*?)(?: → (.*))?$/s.exec(log.label) || [null, "", log.label];
  const whole = name.includes("…") && log.started ? log.started : name;
  const shown = { tool: whole.replace(/^CALL /, ""), model: whole.replace(/ Thought$/, ""),
    round: whole.replace(/^ROUND/, "Round") }[kind] || whole;
  return { name: shown, told: mark + told };
}

// Steps run side by side: a call belongs to the Thought that began last before it.
function modelCalls(story, free, from, until) {
  const others = [...story.logs.values()].filter((log) => kindOf(log) === "model")
    .map((log) => story.since(log.metadata?.started_at)).filter((moment) => moment > from + 0.001);
  return [...free].filter((call) => call.kind === "llm" && call.at >= from - 0.05 && call.at <= until + 0.001
    && !others.some((moment) => moment <= call.at + 0.001));
}

function toolCall(free, log, from, until) {
  const wanted = named(log, "tool").name;
  const near = [...free].filter((call) => call.kind === "tool" && call.at >= from - 0.05 && call.at <= until + 0.05);
  const input = log.data?.output?.tool_call_input;
  const same = near.filter((call) => call.asked.tool === wanted);
  const exact = same.find((call) => JSON.stringify(call.asked.tool_parameters) === compact(input));
  return [exact || same[0]].filter(Boolean);
}

function compact(json) {
  try { return JSON.stringify(JSON.parse(json)); } catch { return json; }
}

function seconds(value) {
  return value < 0.0095 ? `${Math.max(1, Math.round(value * 1000))} ms` : value < 9.95 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
}

function price(metadata) {
  const amount = Number(metadata.total_price);
  if (!amount) return "";
  const shown = amount.toPrecision(2);
  return `${/e/.test(shown) ? amount.toFixed(8).replace(/0+$/, "") : shown} ${metadata.currency || ""}`.trim();
}

function tokens(count) {
  return count ? `${Number(count).toLocaleString("en")} tok` : "";
}
