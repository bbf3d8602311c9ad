// The conversation: one turn for each run.

function drawTurn(turn, view) {
  const { story } = turn;
  const began = story.began || {};
  put(turn.place,
    ...(turn.live ? [] : earlier(began.history || [])),
    make("p.question", {}, began.question || turn.question || ""),
    ...planPart(turn, view),
    ...spokenParts(turn, view),
    ...failure(story),
    footer(turn, view));
  turn.place.classList.toggle("chosen", view.chosen === turn);
}

function earlier(history) {
  if (!history.length) return [];
  return [make("details.thought", {}, make("summary", {}, counted(history.length, "earlier message")),
    make("div.earlier", {}, history.map((turn) =>
      make("p", {}, make("b", {}, `${turn.role}: `), contentText(turn.content)))))];
}

function spokenParts(turn, view) {
  const { story } = turn;
  const made = [];
  const byCall = rowsByCall(story);
  let inside = false;
  let chips = null;
  let thoughts = 0;
  const listed = planned(story).length > 0;
  for (const [index, part] of story.spoken.entries()) {
    if ("call" in part) {
      if (!chips) made.push((chips = make("div.chips")));
      chips.append(chip(turn, story.calls.get(part.call), byCall.get(part.call), view));
      continue;
    }
    const spoken = voices(listed ? withoutChecklist(part.text) : part.text, inside);
    inside = spoken.inside;
    if (spoken.made.length) chips = null;
    for (const voice of spoken.made) made.push(voiced(voice, turn, thoughts++, index));
  }
  if (!story.over) waiting(made);
  return made;
}

function voiced(voice, turn, number) {
  if (!voice.thought) return make("div.said", {}, prose(voice.text));
  const open = turn.opened.get(number) ?? voice.open;
  const summary = make("summary", { onclick: (event) => {
    turn.opened.set(number, !event.currentTarget.parentElement.open);
  } }, voice.open ? "Thinking" : "Thought");
  return make("details.thought", { open }, summary, make("div", {}, voice.text.trim()));
}

function waiting(made) {
  const last = made.at(-1);
  const place = last?.classList.contains("said") ? last.lastElementChild || last : null;
  if (place) place.classList.add("caret");
  else made.push(make("div.said", {}, make("p.caret", {}, "\u200b")));
}

function chip(turn, call, row, view) {
  const state = call.error || row?.bad ? "bad" : call.until === null && row?.open !== false ? "open" : "";
  // The time of its row in the time line, so that one call has one duration.
  const length = (row ? row.open : call.until === null) ? "" : seconds(row ? row.until - row.from : call.until - call.at);
  return make(`button.chip${state ? `.${state}` : ""}`, {
    type: "button",
    title: JSON.stringify(call.asked.tool_parameters),
    onclick: () => view.open(turn, row ? row.key : `call ${call.call}`),
  }, make("i"), make("span", {}, String(call.asked.tool)), make("small", {}, length));
}

function rowsByCall(story) {
  const found = new Map();
  for (const group of rounds(story)) {
    for (const row of group.rows) for (const call of row.calls) found.set(call.call, row);
  }
  return found;
}

function failure(story) {
  const sentence = story.end?.failure;
  if (story.stopped) return [make("p.none", {}, "Stopped. As in Dify, the plugin is not told and works on unheard.")];
  return sentence ? [make("p.failure", {}, sentence)] : [];
}

function footer(turn, view) {
  const { story } = turn;
  const told = story.over
    ? [seconds(story.end.at), tokens(story.usage.total_tokens), price(story.usage)]
    : [seconds(story.now)];
  const buttons = !story.over || view.replaying ? [] : [
    make("button.quiet", { type: "button", onclick: () => view.replay(turn) }, "Replay"),
    make("button.quiet", { type: "button", onclick: () => save(story) }, "Save"),
  ];
  return make("div.foot", {}, told.filter(Boolean).map((fact) => make("span", {}, fact)), buttons,
    view.turns.length > 1
      ? make("button.quiet.show", { type: "button", onclick: () => view.open(turn, null) }, "What happened") : "");
}

function save(story) {
  const text = story.lines.map((line) => JSON.stringify(line)).join("\n") + "\n";
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  make("a", { href: address, download: `run-${String(story.lines[0]?.run || "saved").slice(0, 8)}.jsonl` }).click();
  URL.revokeObjectURL(address);
}

function contentText(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return pretty(content);
  return content.map((part) => part?.data ?? part?.text ?? `[${part?.type}: ${part?.filename || part?.mime_type || ""}]`).join("\n");
}
