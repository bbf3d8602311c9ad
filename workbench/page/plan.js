// The plan of a run as a checklist: its steps, how far they are, and what they took.

const STEP_STATES = { waiting: "waiting", running: "running", done: "done", failed: "failed",
  held: "needs approval", dropped: "dropped", stopped: "stopped" };

// The steps in their order; none where the run has no plan of several steps.
function planned(story) {
  const steps = new Map();
  for (const log of story.logs.values()) {
    const label = log.started.replace(/^✗ /, "");
    const [, id, task] = /^STEP (\d+) (.*)$/s.exec(label) || [];
    if (id) steps.set(id, { task, ...steps.get(id), log, state: stepState(story, log) });
    else if (/^(RE)?PLAN\b/.test(label) && log.status !== "start") {
      // A revised plan takes the place of what had not begun.
      for (const step of steps.values()) if (step.state === "waiting") step.state = "dropped";
      for (const told of log.data?.steps || []) {
        const [, number, what] = /^(\d+)\. (.*)$/s.exec(told) || [];
        if (number) steps.set(number, { task: what, state: "waiting", log: null });
      }
    }
  }
  const rows = [...steps].map(([number, step]) => ({ number, ...step }));
  return rows.length > 1 || rows.some((row) => row.log) ? rows : [];
}

function stepState(story, log) {
  if (log.status === "start") return story.over ? "stopped" : "running";
  if (log.status === "error") return "failed";
  return log.label.endsWith("→ needs approval") ? "held" : "done";
}

function planPart(turn, view) {
  const steps = planned(turn.story);
  if (!steps.length) return [];
  const done = steps.filter((step) => step.state === "done").length;
  return [make("section.plan", { "aria-label": "Plan" },
    make("b", {}, `Plan · ${done} of ${counted(steps.length, "step")} done`),
    make("ol", {}, steps.map((step) => planStep(step, turn, view))))];
}

function planStep(step, turn, view) {
  const facts = step.log ? stepFacts(step, turn.story) : "";
  const told = [step.state === "done" ? "" : STEP_STATES[step.state], facts].filter(Boolean).join(" · ");
  const inside = [make("i", { "aria-hidden": "true" }), make("span", {}, `${step.number}. ${step.task}`),
    make("small", {}, told || STEP_STATES[step.state])];
  return make(`li.${step.state}`, {}, step.log
    ? make("button", { type: "button", onclick: () => view.open(turn, `log ${step.log.id}`) }, inside)
    : make("div", {}, inside));
}

function stepFacts(step, story) {
  const { started_at: from, finished_at: until, total_tokens: count } = step.log.metadata || {};
  const length = until ? until - from : story.now - story.since(from);
  return [seconds(Math.max(length, 0)), tokens(count)].filter(Boolean).join(" · ");
}

// The same checklist stands in the text, for readers who have nothing else.
function withoutChecklist(text) {
  return text.replace(/^- [☐☑☒] \d+\. .*(?:\n|$)/gm, "");
}
