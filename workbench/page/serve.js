// The chat on the same parts: ask, watch, stop, open a saved run. Used by `workbench serve` alone.

function setUpBench(view, bench) {
  byId("composer").hidden = false;
  for (const name of ["model", "protocol", "strategy"]) {
    const choices = bench.choices[name];
    put(byId(name), ...choices.map((each) => make("option", { value: each }, each)));
    byId(name).parentElement.hidden = name === "strategy" && choices.length < 2;
  }
  byId("offered").textContent = `Tools: ${bench.tools.join(", ") || "none"}`;
  const chat = new Chat(view, bench);
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    chat.ask(byId("question").value);
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      chat.ask(byId("question").value);
    }
  });
  byId("question").addEventListener("input", fitQuestion);
  byId("stop").addEventListener("click", () => chat.stop());
  byId("approve").addEventListener("click", () => chat.ask("Yes"));
  byId("reject").addEventListener("click", () => chat.ask("No"));
  byId("fresh").addEventListener("click", () => chat.startAfresh());
  byId("saved").addEventListener("change", (event) => chat.openSaved(event.target));
  if (!view.turns.length) chat.welcome();
  view.drawWork();
  byId("question").focus();
}

function fitQuestion() {
  const field = byId("question");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

class Chat {
  constructor(view, bench) {
    this.view = view;
    this.bench = bench;
    this.running = null;
    this.conversation = newConversation();
    this.since = view.turns.length; // earlier turns are saved runs, not this conversation
  }

  welcome() {
    put(byId("turns"), make("div.empty", {},
      make("h2", {}, "Ask, and watch it work"),
      make("p", {}, "Text, thoughts and tool calls appear as they happen; the time line beside them shows what ran when."),
      make("div.chips", {}, this.bench.questions.map((question) =>
        make("button.chip", { type: "button", onclick: () => this.ask(question) }, question)))));
  }

  async ask(text) {
    const question = text.trim();
    if (!question || this.running || this.view.replaying) return;
    const history = this.history();
    const turn = this.view.add(question);
    this.running = { turn, id: null, stopping: false };
    byId("question").value = "";
    fitQuestion();
    this.show();
    this.view.open(turn, null);
    turn.place.scrollIntoView({ block: "end" });
    try {
      const told = await this.post("/runs", { question, history, conversation: this.conversation, model: byId("model").value,
        protocol: byId("protocol").value, strategy: byId("strategy").value });
      this.running.id = told.run;
      if (this.running.stopping) this.stop();
      await this.follow(turn, told.run);
    } catch (error) {
      turn.story.apply({ type: "end", at: turn.story.now, failure: String(error.message || error), outputs: {}, usage: {} });
    }
    this.running = null;
    this.show();
    this.view.changed(turn);
  }

  follow(turn, run) {
    return new Promise((done) => {
      const source = new EventSource(`/runs/${encodeURIComponent(run)}`);
      source.addEventListener("message", (event) => {
        const line = JSON.parse(event.data);
        turn.story.apply(line);
        this.view.changed(turn);
        if (line.type === "end") {
          source.close();
          done();
        }
      });
      source.addEventListener("error", () => {
        if (source.readyState !== EventSource.CLOSED) return; // it connects again by itself
        turn.story.apply({ type: "end", at: turn.story.now, failure: "The workbench is gone.", outputs: {}, usage: {} });
        done();
      });
    });
  }

  async stop() {
    if (!this.running) return;
    this.running.stopping = true;
    if (this.running.id) await this.post(`/runs/${encodeURIComponent(this.running.id)}/stop`, {}).catch(() => {});
  }

  // As Dify's memory keeps it: questions and final answers, without thoughts.
  history() {
    return this.view.turns.slice(this.since).filter((turn) => turn.story.over && !turn.story.end.failure)
      .flatMap((turn) => [
        { role: "user", content: turn.story.began?.question || turn.question },
        { role: "assistant", content: spokenText(turn.story) },
      ]).filter((message) => message.content.trim());
  }

  startAfresh() {
    if (this.running || this.view.replaying) return;
    this.view.turns = [];
    this.view.chosen = null;
    this.view.row = null;
    this.since = 0;
    this.conversation = newConversation();
    this.view.drawWork();
    this.show();
    this.welcome();
    byId("question").focus();
  }

  async openSaved(field) {
    const text = await field.files[0]?.text();
    field.value = "";
    if (!text || this.running) return;
    this.startAfresh();
    const lines = text.split("\n").map((line) => {
      try {
        return JSON.parse(line);
      } catch {
        return null;
      }
    });
    if (!this.view.load(lines)) put(byId("turns"), make("p.failure", {}, "This file holds no saved run: save one with --json, or with Save."));
    this.since = this.view.turns.length;
  }

  async post(path, body) {
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Workbench": this.bench.key } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told;
  }

  // Whether the last answer of this conversation asks for an approval.
  isAsked() {
    const last = this.view.turns.slice(this.since).at(-1);
    return last?.story.end?.outputs?.stop_reason === "approval_needed";
  }

  show() {
    byId("ask").hidden = Boolean(this.running);
    byId("stop").hidden = !this.running;
    byId("approval").hidden = Boolean(this.running) || !this.isAsked();
  }
}

function newConversation() {
  return crypto.randomUUID(); // by it the plugin knows what this conversation remembers
}

function spokenText(story) {
  const text = story.spoken.map((part) => part.text || "").join("");
  return text.replace(/<think>[\s\S]*?(<\/think>|$)/g, "").trim();
}
