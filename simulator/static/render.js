// Text and WeCom's markdown subset as DOM nodes. Nothing is ever parsed as HTML: every word goes in as text.
import { element } from "./dom.js";

const TEXT_LINK = /<a\s+href="([^"]*)"\s*>(.*?)<\/a>|https?:\/\/[^\s<>"'，。；：！？、（）【】「」《》]+/gis;
const SUBSET = /`([^`]+)`|\*\*(.+?)\*\*|!?\[([^\]]+)\]\(([^()\s]+)\)|<font color="(info|comment|warning)">(.*?)<\/font>/g;
const WEB = /^https?:\/\//i;
const SOURCE = /^\[(\d{1,2})\]\s+(\S.*)$/;
const SOURCES = /^(来源|Sources)[:：]?$/i;
const CITATION = /\[(\d{1,2})\]/g;

/**
 * What a text is rendered with: `inline` draws a line's marks, `cited` holds the numbers that have a line in the list of
 * sources (`null` while the text `isOpen`: its list may still come), `names` are those that may be mentioned.
 */
export function contextOf(text, inline, names = [], isOpen = false) {
  const listed = text.split("\n").map((line) => SOURCE.exec(line.trim())?.[1]).filter(Boolean);
  const mention = names.length ? new RegExp(`@(?:${names.map(escaped).join("|")})(?=\\s|$)`, "g") : null;
  return { inline, cited: isOpen ? null : new Set(listed), mention };
}

/** A plain text message: line breaks as they are, web links and <a href> become links (§2.7). */
export function renderText(parent, text, names = []) {
  const context = contextOf(text, textInline, names);
  let run = [];
  const flush = () => {
    if (run.length) context.inline(parent, run.join("\n"), context);
    run = [];
  };
  for (const line of text.split("\n")) {
    if (renderSource(parent, line, context, flush)) continue;
    run.push(line);
  }
  flush();
}

/** The subset that WeCom shows of an app's markdown: headings, quotes, bold, links, inline code, three colours (§2.7). */
export function renderMarkdown(parent, text) {
  const context = contextOf(text, subsetInline);
  for (const line of text.split(/\r?\n/)) {
    if (renderSource(parent, line, context)) continue;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    const block = document.createElement(heading ? headingTag(heading[1]) : quote ? "blockquote" : "p");
    context.inline(block, heading ? heading[2] : quote ? quote[1] : line, context);
    parent.append(block);
  }
}

export const headingTag = (marks) => (marks.length <= 2 ? "h3" : "h4");

/** Draws `line` if it is the heading or a line of the list of sources, after calling `before`; whether it did. */
export function renderSource(parent, line, context, before = () => {}) {
  const source = SOURCE.exec(line.trim());
  if (!source && !(context.cited?.size !== 0 && SOURCES.test(line.trim()))) return false;
  before();
  if (!source) {
    parent.append(element("div", line.trim(), "sources"));
    return true;
  }
  const row = element("div", "", "source");
  row.dataset.n = source[1];
  const words = element("span");
  context.inline(words, source[2], context);
  row.append(element("span", source[1], "n"), words);
  parent.append(row);
  return true;
}

function textInline(parent, text, context) {
  eachMatch(TEXT_LINK, text, (match) => {
    const url = match[1] ?? match[0];
    if (WEB.test(url)) parent.append(link(url, match[2] ?? url));
    else renderWords(parent, match[0], context);
  }, (rest) => renderWords(parent, rest, context));
}

function subsetInline(parent, text, context) {
  eachMatch(SUBSET, text, ([whole, code, bold, label, url, color, colored]) => {
    if (code !== undefined) parent.append(element("code", code));
    else if (bold !== undefined) parent.append(marked("strong", bold, context));
    else if (color !== undefined) parent.append(marked("span", colored, context, color));
    else if (WEB.test(url)) parent.append(link(url, label));
    else renderWords(parent, whole, context);
  }, (rest) => renderWords(parent, rest, context));
}

/** Words without marks: citations that have a source, and mentions, stand out. */
export function renderWords(parent, text, { cited, mention }) {
  const plain = (words) => {
    if (!mention) parent.append(words);
    else eachMatch(mention, words, ([name]) => parent.append(element("span", name, "mention")), (rest) => parent.append(rest));
  };
  eachMatch(CITATION, text, ([whole, n]) => {
    if (cited?.has(n) ?? true) parent.append(citation(n));
    else plain(whole);
  }, plain);
}

/** A small number that leads to its source. The brackets are there for who copies the text. */
function citation(n) {
  const node = element("sup", "", "cite");
  node.dataset.n = n;
  node.tabIndex = 0;
  node.setAttribute("role", "button");
  node.setAttribute("aria-label", `看来源 ${n}`);
  node.append(element("span", "["), n, element("span", "]"));
  return node;
}

/** Calls `found(match)` for each match and `rest(text)` for what stands between them, in order. */
export function eachMatch(pattern, text, found, rest) {
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > last) rest(text.slice(last, match.index));
    found(match);
    last = match.index + match[0].length;
  }
  if (last < text.length) rest(text.slice(last));
}

/** A link to the web; to anything else there is none, the words stay words. */
export function link(url, label) {
  if (!WEB.test(url)) return document.createTextNode(label);
  const node = element("a", label);
  node.href = url;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

/** `node` as a link to `url`, or as it is where there is none. */
export function linked(url, node) {
  if (!WEB.test(url ?? "")) return node;
  const anchor = link(url, "");
  anchor.className = "block-link";
  anchor.append(node);
  return anchor;
}

export function marked(tag, text, context, className = "") {
  const node = element(tag, "", className);
  context.inline(node, text, context);
  return node;
}

const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
