// Puts the parts together: which turn and row are chosen, search, theme, replay.

const byId = (id) => document.getElementById(id);

class View {
  constructor() {
    this.turns = [];
    this.chosen = null;
    this.row = null;
    this.folded = new Map();
    this.query = "";
    this.replaying = false;
    this.planned = false;
    this.dirty = new Set();
  }

  // A live turn follows those above it; one that was saved may have a history of its own.
  add(question = "") {
    const turn = { story: new Story(), place: make("article.turn"), opened: new Map(), question,
      live: question !== "" && this.turns.length > 0 };
    if (!this.turns.length) put(byId("turns"));
    this.turns.push(turn);
    byId("turns").append(turn.place);
    return turn;
  }

  // Lines may come by the hundred; the page is drawn once per frame.
  changed(turn) {
    this.dirty.add(turn);
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.draw();
    });
  }

  draw() {
    const talk = byId("turns");
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    for (const turn of this.dirty) drawTurn(turn, this);
    const shown = this.dirty.has(this.chosen);
    this.dirty.clear();
    if (shown) this.drawWork();
    if (atEnd) talk.scrollTop = talk.scrollHeight;
    highlight(this.query);
  }

  drawWork() {
    const focus = document.activeElement?.dataset?.key;
    drawRun(byId("run"), this.chosen, this);
    drawDetails(byId("details"), this.chosen, this);
    drawOutcome(byId("outcome"), this.chosen);
    if (focus) document.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  open(turn, row) {
    const before = this.chosen;
    this.chosen = turn;
    this.row = row;
    for (const each of [before, turn]) if (each) drawTurn(each, this);
    this.drawWork();
    highlight(this.query);
    if (row) this.showDetails();
  }

  // The details come into sight, and the time line stays there as far as it can.
  showDetails() {
    const work = document.querySelector(".work");
    const top = byId("details").offsetTop - work.offsetTop;
    const sight = work.scrollTop + work.clientHeight;
    if (top > sight - work.clientHeight * 0.4) {
      work.scrollTo({ top: top - work.clientHeight * 0.45, behavior: "smooth" });
    }
  }

  search(query) {
    this.query = query.trim().toLowerCase();
    this.drawWork();
    const rows = this.chosen ? rowsOf(this.chosen.story) : [];
    const hits = this.query ? rows.filter((row) => rowText(row).includes(this.query)) : [];
    byId("found").textContent = this.query ? `${hits.length} of ${counted(rows.length, "step")}` : "";
    highlight(this.query);
    return hits;
  }

  // Enter goes from hit to hit.
  next() {
    const hits = this.search(byId("search").value);
    if (!hits.length) return;
    const at = hits.findIndex((row) => row.key === this.row);
    this.open(this.chosen, hits[(at + 1) % hits.length].key);
  }

  fades(turn, row) {
    return Boolean(this.query) && turn === this.chosen && !rowText(row).includes(this.query);
  }

  async replay(turn) {
    if (this.replaying) return;
    this.replaying = true;
    const lines = turn.story.lines;
    turn.story = new Story();
    const start = performance.now();
    const speed = Math.max(1, (lines.at(-1)?.at || 0) / 20);
    this.open(turn, null);
    for (const line of lines) {
      const wait = (line.at / speed) * 1000 - (performance.now() - start);
      if (wait > 4) await new Promise((done) => setTimeout(done, wait));
      turn.story.apply(line);
      this.changed(turn);
    }
    this.replaying = false;
    this.changed(turn);
  }

  load(lines) {
    const stories = new Map();
    for (const line of lines) {
      if (!line || typeof line !== "object" || !line.run) continue;
      if (!stories.has(line.run)) stories.set(line.run, this.add());
      stories.get(line.run).story.apply(line);
    }
    for (const turn of stories.values()) drawTurn(turn, this);
    const first = [...stories.values()][0];
    if (first) this.open(first, null);
    return stories.size;
  }
}

function rowsOf(story) {
  return rounds(story).flatMap((group) => group.rows);
}

function rowText(row) {
  return JSON.stringify([row.name, row.told, row.log, row.calls]).toLowerCase();
}

// Marks what was found without touching the elements.
function highlight(query) {
  if (!window.CSS?.highlights) return;
  CSS.highlights.delete("found");
  if (!query) return;
  const ranges = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode() && ranges.length < 2000) {
    const text = walker.currentNode.data.toLowerCase();
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
      const range = new Range();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, Math.min(at + query.length, walker.currentNode.length));
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}

function setUpTheme() {
  const button = byId("theme");
  const dark = () => {
    const set = document.documentElement.dataset.theme;
    return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const name = () => {
    button.textContent = dark() ? "☾" : "☀";
    button.setAttribute("aria-label", dark() ? "Switch to light" : "Switch to dark");
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}

function setUpSearch(view) {
  const field = byId("search");
  field.addEventListener("input", () => view.search(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") view.next();
    if (event.key === "Escape") {
      field.value = "";
      view.search("");
      field.blur();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(input|textarea|select)$/i.test(document.activeElement?.localName || "");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      field.focus();
    }
    if (/^Arrow(Up|Down)$/.test(event.key) && document.activeElement?.dataset?.key) {
      event.preventDefault();
      const rows = [...document.querySelectorAll("[data-key]")];
      const at = rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      rows[at]?.focus();
    }
  });
}

function setUpWidth(view) {
  let planned = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(planned);
    planned = requestAnimationFrame(() => view.drawWork());
  });
}

const view = new View();
const data = JSON.parse(byId("data").textContent);
setUpTheme();
setUpSearch(view);
setUpWidth(view);
view.load(data.lines || []);
if (data.bench) setUpBench(view, data.bench);
if (data.evaluation) setUpEvaluation(view, data.evaluation);
