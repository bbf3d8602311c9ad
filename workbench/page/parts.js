// Elements are made of text and nodes, never of markup: what a run said cannot become part of the page.

function make(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value === "boolean") element[key] = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function put(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

function pretty(value) {
  if (typeof value === "string") {
    const trimmed = value.trim();
    if (!/^[[{]/.test(trimmed)) return value;
    try {
      return JSON.stringify(JSON.parse(trimmed), null, 2);
    } catch {
      return value;
    }
  }
  return JSON.stringify(value, null, 2) ?? "";
}

function counted(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function textBlock(value) {
  const shown = pretty(value);
  return make("pre.text", { tabindex: "0" }, shown === "" ? "(empty)" : shown);
}

// -- prose: the little of Markdown that answers are made of

function prose(text) {
  const parts = [];
  for (const [index, piece] of text.split(/^```.*$/m).entries()) {
    if (index % 2) parts.push(make("pre", {}, make("code", {}, piece.replace(/^\n|\n$/g, ""))));
    else parts.push(...blocks(piece));
  }
  return parts;
}

function blocks(text) {
  const made = [];
  const open = []; // lists that may go on, the innermost last
  let lines = [];
  const flush = () => {
    if (lines.length) made.push(make("p", {}, inline(lines.join("\n"))));
    lines = [];
  };
  for (const line of text.split("\n")) {
    const item = /^(\s*)(?:[-*•]|(\d+)[.)])\s+(.*)$/.exec(line);
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    if (item) {
      flush();
      listFor(item[1].length, item[2], open, made).append(make("li", {}, inline(item[3])));
      continue;
    }
    if (line.trim()) open.length = 0;
    if (heading) {
      flush();
      made.push(make("h4", {}, inline(heading[1])));
    } else if (line.trim()) lines.push(line);
    else flush();
  }
  flush();
  return made;
}

// An item goes on with a list of its kind, or begins one: within the item above if it is indented.
function listFor(indent, number, open, made) {
  const kind = number ? "ol" : "ul";
  const ends = (last) => last.indent > indent || (last.indent > indent - 2 && last.list.localName !== kind);
  while (open.length && ends(open.at(-1))) open.pop();
  if (!open.length || open.at(-1).indent < indent - 1) {
    const list = make(kind, number ? { start: number } : {});
    if (open.length) open.at(-1).list.lastElementChild.append(list);
    else made.push(list);
    open.push({ indent, list });
  }
  return open.at(-1).list;
}

function inline(text) {
  const made = [];
  const pattern = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(\[\d{1,3}\])/g;
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    made.push(text.slice(at, match.index));
    if (match[1]) made.push(make("code", {}, match[1]));
    else if (match[2]) made.push(make("strong", {}, inline(match[2])));
    else made.push(make("span.cite", {}, match[3]));
    at = match.index + match[0].length;
  }
  return [...made, text.slice(at)];
}

// Text with the thoughts apart; a thought may be open still, or go on over a tool call.
function voices(text, thinking) {
  const made = [];
  let rest = text;
  let inside = thinking;
  while (rest) {
    const mark = inside ? "</think>" : "<think>";
    const at = rest.indexOf(mark);
    const piece = at < 0 ? rest : rest.slice(0, at);
    if (piece.trim()) made.push({ thought: inside, text: piece, open: inside && at < 0 });
    if (at < 0) return { made, inside };
    rest = rest.slice(at + mark.length);
    inside = !inside;
  }
  return { made, inside };
}
