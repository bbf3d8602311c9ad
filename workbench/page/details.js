// What stands behind a row: the prompt, the reply, the tools offered, a tool's arguments and result.

function drawDetails(place, turn, view) {
  const row = turn && view.row ? findRow(turn.story, view.row) : null;
  // While a run goes on the page is drawn often; what is read here must stay as it is.
  const shown = row ? JSON.stringify([row.key, row.open, row.log, row.calls]) : "";
  if (place.shown === shown && shown) return;
  place.shown = shown;
  if (!row) return put(place);
  const parts = [...row.calls.flatMap((call, index) => callParts(call, index, row)), ...logParts(row)];
  const failed = row.log?.error || row.calls.find((call) => call.error)?.error;
  put(place, make("article.card.details", {},
    make("h3", {}, row.name, make("small", {}, `${row.told ? `${row.told} · ` : ""}${seconds(row.from)} → ${seconds(row.until)}`)),
    failed ? make("p.failure", {}, failed) : "",
    parts.map((part) => drawPart(part, view))));
}

function findRow(story, key) {
  for (const group of rounds(story)) {
    if (group.head?.key === key) return group.head;
    const row = group.rows.find((each) => each.key === key);
    if (row) return row;
  }
  return null;
}

function drawPart(part, view) {
  const copy = make("button.quiet", { type: "button", onclick: (event) => {
    event.preventDefault();
    navigator.clipboard?.writeText(pretty(part.raw)).then(() => { copy.textContent = "Copied"; }, () => {});
  } }, "Copy");
  const open = view.folded.has(part.title) ? !view.folded.get(part.title) : part.open;
  const summary = make("summary", { onclick: (event) => {
    view.folded.set(part.title, event.currentTarget.parentElement.open);
  } }, part.title, make("small", {}, part.small || ""), copy);
  return make("details.part", { open }, summary, make("div", {}, part.body));
}

function callParts(call, index, row) {
  const many = row.calls.length > 1 ? ` ${index + 1}` : "";
  return call.kind === "llm" ? modelParts(call, many) : toolParts(call);
}

function modelParts(call, many) {
  const asked = call.asked;
  const messages = asked.prompt_messages || [];
  const offered = asked.tools || [];
  const reply = call.answer || { text: "", tool_calls: [] };
  const usage = reply.usage || {};
  return [
    { title: `Prompt${many}`, small: counted(messages.length, "message"), open: true, raw: messages,
      body: messages.map(drawMessage) },
    { title: `Reply${many}`, small: [tokens(usage.completion_tokens), call.error ? "failed" : ""].filter(Boolean).join(", "),
      open: true, raw: reply, body: drawReply(call, reply) },
    { title: `Tools offered${many}`, small: String(offered.length || "none"), open: false, raw: offered,
      body: offered.length ? offered.map((tool) => messageBox("tool", tool.name, { description: tool.description, parameters: tool.parameters }))
        : make("p.none", {}, "The request names no tools: they stand in the prompt, or there are none.") },
    { title: `Parameters${many}`, small: "", open: false, raw: asked, body: textBlock({ model: asked.model,
      provider: asked.provider, completion_params: asked.completion_params, stop: asked.stop, stream: asked.stream }) },
  ];
}

function drawMessage(message) {
  const calls = message.tool_calls || [];
  const name = message.name || message.tool_call_id;
  return messageBox(message.role, name ? `${message.role} · ${name}` : message.role,
    [contentText(message.content), ...calls.map((call) => `${call.function?.name}(${call.function?.arguments})`)]
      .filter(Boolean).join("\n"));
}

function messageBox(kind, name, value) {
  const known = ["system", "user", "assistant", "tool"].includes(kind) ? `.${kind}` : "";
  return make(`div.message${known}`, {}, make("b", {}, String(name)), textBlock(value));
}

function drawReply(call, reply) {
  if (call.until === null) return make("p.none", {}, "Not here yet.");
  const calls = reply.tool_calls || [];
  return [
    reply.text || !calls.length ? messageBox("assistant", "assistant", reply.text || "") : "",
    calls.map((each) => messageBox("tool", `calls ${each.name}`, each.arguments || "{}")),
  ].flat().filter(Boolean);
}

function toolParts(call) {
  const messages = call.answer?.messages || [];
  const said = messages.map((message) => message.message?.text ?? message.message?.json_object ?? message.message);
  return [
    { title: "Arguments", small: String(call.asked.provider || ""), open: true, raw: call.asked.tool_parameters,
      body: textBlock(call.asked.tool_parameters ?? {}) },
    { title: "Result", small: messages.map((message) => message.type).join(", "), open: true, raw: said,
      body: call.until === null ? make("p.none", {}, "Not here yet.") : said.length ? said.map(textBlock)
        : make("p.none", {}, call.error || "Nothing.") },
  ];
}

function logParts(row) {
  if (!row.log) return [];
  const { label, status, error, data, metadata } = row.log;
  return [{ title: "Log entry in Dify", small: status, open: row.calls.length === 0, raw: row.log,
    body: textBlock({ label, status, ...(error ? { error } : {}), data, metadata }) }];
}
