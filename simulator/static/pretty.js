// Raw bodies made readable: JSON and XML are indented, anything else stays as it is.

const XML_TOKENS = /<!\[CDATA\[[\s\S]*?\]\]>|<[^>]*>|[^<]+/g;

/** `text` indented if it is JSON or XML. */
export function pretty(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("<")) return prettyXml(trimmed);
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 2);
  } catch {
    return trimmed; // cut in the middle, or not JSON at all
  }
}

/** An element with only words in it is one line; one with elements in it is a block. */
function prettyXml(xml) {
  const lines = [];
  let depth = 0;
  let isOpen = false; // the last line is a start tag that has no element inside yet
  for (const token of xml.match(XML_TOKENS) ?? []) {
    const isTag = token.startsWith("<") && !token.startsWith("<!");
    if (!isTag) {
      if (token.trim()) lines.push(`${isOpen ? lines.pop() : "  ".repeat(depth)}${token.trim()}`);
    } else if (token.startsWith("</")) {
      depth = Math.max(0, depth - 1);
      lines.push(isOpen ? lines.pop() + token : "  ".repeat(depth) + token);
      isOpen = false;
    } else {
      lines.push("  ".repeat(depth) + token);
      isOpen = !token.endsWith("/>") && !token.startsWith("<?");
      if (isOpen) depth += 1;
    }
  }
  return lines.join("\n");
}
