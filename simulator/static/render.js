// Text and markdown of a bubble as DOM nodes. Nothing is ever parsed as HTML: every word goes in as text.

const TEXT_LINK = /<a\s+href="([^"]*)"\s*>(.*?)<\/a>|https?:\/\/[^\s<>"'，。；：！？、（）【】「」《》]+/gis;
const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^()\s]+)\)|<font color="(info|comment|warning)">(.*?)<\/font>/g;
const WEB = /^https?:\/\//i;

/** A plain text message: line breaks as they are, web links and <a href> become links (§2.7). */
export function renderText(parent, text) {
  eachMatch(TEXT_LINK, text, (match, plain) => {
    const url = match[1] ?? match[0];
    if (plain) parent.append(plain);
    parent.append(WEB.test(url) ? link(url, match[2] ?? url) : match[0]);
  }, (rest) => parent.append(rest));
}

/** The subset WeCom shows: headings, quotes, bold, links, inline code and three font colours; the rest stays text. */
export function renderMarkdown(parent, text) {
  for (const line of text.split(/\r?\n/)) {
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    const block = document.createElement(heading ? "h2" : quote ? "blockquote" : "p");
    if (heading && heading[1].length <= 2) block.className = "big";
    renderInline(block, heading ? heading[2] : quote ? quote[1] : line);
    parent.append(block);
  }
}

function renderInline(parent, text) {
  eachMatch(INLINE, text, (match, plain) => {
    const [whole, code, bold, label, url, color, colored] = match;
    if (plain) parent.append(plain);
    if (code !== undefined) parent.append(element("code", code));
    else if (bold !== undefined) parent.append(nested("strong", bold));
    else if (color !== undefined) parent.append(nested("span", colored, color));
    else parent.append(WEB.test(url) ? link(url, label) : whole);
  }, (rest) => parent.append(rest));
}

/** Calls `found(match, text before it)` for each match, and `rest(text)` for what is left. */
function eachMatch(pattern, text, found, rest) {
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    found(match, text.slice(last, match.index));
    last = match.index + match[0].length;
  }
  if (last < text.length) rest(text.slice(last));
}

function link(url, label) {
  const node = element("a", label);
  node.href = url;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

function nested(tag, text, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  renderInline(node, text);
  return node;
}

/** An element with text in it. */
export function element(tag, text, className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}
