// The table of an evaluation. A wrong run opens below its task, with its time line beside it.

const TOTALS = [["right", (total) => `${total.right} of ${total.runs}`],
  ["rounds", (total) => total.rounds.toFixed(2)], ["tokens", (total) => Math.round(total.tokens)],
  ["seconds", (total) => total.seconds.toFixed(1)]];

function setUpEvaluation(view, { totals, tasks }) {
  const turns = new Map(view.turns.map((turn) => [turn.story.began.run, turn]));
  const opened = make("tr.opened", {}, make("td", { colspan: totals.length + 1 }));
  const show = (row, cell) => {
    const turn = turns.get(cell.run);
    const wrong = make("ul.failure", {}, cell.mistakes.map((mistake) => make("li", {}, mistake)));
    put(opened.firstChild, wrong, turn.place);
    row.after(opened);
    view.open(turn, null);
  };
  const head = make("tr", {}, make("th", {}, "Task"), totals.map((total) => make("th", { scope: "col" }, total.name.replaceAll("_", " "))));
  const sums = TOTALS.map(([name, told]) =>
    make("tr.total", {}, make("th", { scope: "row" }, name), totals.map((total) => make("td", {}, told(total)))));
  const rows = tasks.map((task) => evaluationRow(task, show));
  put(byId("turns"), make("table.evaluation", {}, make("thead", {}, head), make("tbody", {}, sums, rows)));
}

function evaluationRow(task, show) {
  const row = make("tr", {}, make("th", { scope: "row", title: task.question }, task.name));
  for (const cells of task.cells) row.append(make("td", {}, cells.map((cell) => evaluationMark(task, cell, row, show))));
  return row;
}

function evaluationMark(task, cell, row, show) {
  if (!cell.run) return make("span.right", {}, `✓ ${cell.rounds} `);
  const label = `${task.name}: open the wrong run`;
  return make("button.wrong", { type: "button", "aria-label": label, title: cell.mistakes.join("\n"),
    onclick: () => show(row, cell) }, `✗ ${cell.rounds}`);
}
