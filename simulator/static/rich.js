// The markdown of an AI bot (§3, markdown_v2): nested lists and quotes, tables, code blocks, rules, the thinking process.
import { element } from "./dom.js";
import { contextOf, eachMatch, headingTag, link, marked, renderSource, renderWords } from "./render.js";

const DEEPEST = 6; // nesting beyond this is drawn flat
const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*([^\s*](?:[^*]*[^\s*])?)\*|!?\[([^\]]+)\]\(([^()\s]+)\)|https?:\/\/[^\s<>"'，。；：！？、（）【】「」《》]+/g;
const WEB = /^https?:\/\//i;
const FENCE = /^\s*```(\S*)\s*$/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^\s*>\s?(.*)$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const THINKING = /^\s*<think>(.*?)(<\/think>|$)/s;

/** Draw the markdown `text` into `parent`; more of it comes if it `isOpen`. */
export function renderRich(parent, text, isOpen = false) {
  const clean = text.replaceAll("\r\n", "\n");
  const thought = THINKING.exec(clean);
  if (thought) {
    const details = element("details", "", "thinking");
    details.append(element("summary", thought[2] ? "思考过程" : "思考中…"), element("p", thought[1].trim()));
    parent.append(details);
  }
  const rest = thought ? clean.slice(thought[0].length) : clean;
  renderBlocks(parent, rest.split("\n"), contextOf(rest, richInline, [], isOpen), 0);
}

function renderBlocks(parent, lines, context, depth) {
  let at = 0;
  while (at < lines.length) {
    const draw = blockAt(lines, at, depth);
    at = draw(parent, lines, at, context, depth);
  }
}

/** The function that draws the block beginning at line `at` and returns where the next one begins. */
function blockAt(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return (_parent, _lines, here) => here + 1;
  if (FENCE.test(line)) return code;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return rule;
  if (line.includes("|") && at + 1 < lines.length && lines[at + 1].includes("-") && DELIMITERS.test(lines[at + 1])) return table;
  if (depth < DEEPEST && QUOTE.test(line)) return quote;
  if (depth < DEEPEST && ITEM.test(line)) return list;
  return paragraph;
}

function code(parent, lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  const block = element("pre");
  block.tabIndex = 0; // so that the keyboard can scroll it
  block.append(element("code", lines.slice(at + 1, end).join("\n")));
  parent.append(block);
  return end + 1;
}

function heading(parent, lines, at, context) {
  const [, marks, words] = HEADING.exec(lines[at]);
  parent.append(marked(headingTag(marks), words, context));
  return at + 1;
}

function rule(parent, _lines, at) {
  parent.append(document.createElement("hr"));
  return at + 1;
}

function quote(parent, lines, at, context, depth) {
  const inside = [];
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) inside.push(QUOTE.exec(lines[end++])[1]);
  const block = document.createElement("blockquote");
  renderBlocks(block, inside, context, depth + 1);
  parent.append(block);
  return end;
}

function list(parent, lines, at, context, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const block = document.createElement(ordered ? "ol" : "ul");
  if (ordered) block.start = Number.parseInt(mark, 10);
  let here = at;
  while (here < lines.length) {
    const item = ITEM.exec(lines[here]);
    if (!item || item[1].length > indent.length + 1 || /\d/.test(item[2]) !== ordered) break;
    const inside = [item[3]];
    here += 1;
    while (here < lines.length && belongs(lines, here, indent.length)) inside.push(lines[here++]);
    const node = document.createElement("li");
    renderBlocks(node, dedented(inside), context, depth + 1);
    block.append(node);
  }
  parent.append(block);
  return here;
}

/** Whether line `at` is inside the list item whose mark stands `indent` deep. */
function belongs(lines, at, indent) {
  const depth = (line) => line.length - line.trimStart().length;
  if (lines[at].trim()) return depth(lines[at]) > indent + 1;
  return at + 1 < lines.length && Boolean(lines[at + 1].trim()) && depth(lines[at + 1]) > indent + 1;
}

function dedented([first, ...others]) {
  const depths = others.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  const least = Math.min(...depths);
  return [first, ...others.map((line) => line.slice(least))];
}

function table(parent, lines, at, context) {
  const sides = cells(lines[at + 1]).map((cell) => {
    const trimmed = cell.trim();
    if (!trimmed.endsWith(":")) return "";
    return trimmed.startsWith(":") ? "middle" : "right";
  });
  const block = document.createElement("table");
  let end = at;
  while (end < lines.length && lines[end].includes("|")) {
    if (end !== at + 1) {
      const row = block.insertRow();
      const found = cells(lines[end]);
      sides.forEach((side, column) => row.append(marked(end === at ? "th" : "td", (found[column] ?? "").trim(), context, side)));
    }
    end += 1;
  }
  const frame = element("div", "", "table");
  frame.tabIndex = 0;
  frame.append(block);
  parent.append(frame);
  return end;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|");

function paragraph(parent, lines, at, context, depth) {
  if (renderSource(parent, lines[at], context)) return at + 1;
  const inside = [lines[at]];
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && blockAt(lines, end, depth) === paragraph) {
    if (/^\[\d{1,2}\]\s/.test(lines[end].trim())) break;
    inside.push(lines[end++]);
  }
  // "来源" directly above its list is the list's heading, not the end of a paragraph.
  if (inside.length > 1 && /^(来源|Sources)[:：]?$/i.test(inside.at(-1).trim())) {
    inside.pop();
    end -= 1;
  }
  parent.append(marked("p", inside.join("\n"), context));
  return end;
}

function richInline(parent, text, context) {
  eachMatch(INLINE, text, ([whole, words, bold, italic, label, url]) => {
    if (words !== undefined) parent.append(element("code", words));
    else if (bold !== undefined) parent.append(marked("strong", bold, context));
    else if (italic !== undefined) parent.append(marked("em", italic, context));
    else if (url === undefined) parent.append(link(whole, whole));
    else if (WEB.test(url)) parent.append(link(url, label));
    else renderWords(parent, whole, context);
  }, (rest) => renderWords(parent, rest, context));
}
