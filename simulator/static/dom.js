// Small helpers that make DOM nodes. Words always go in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const HUES = 6; // .hue-0 … .hue-5 in base.css

export const byId = (id) => document.getElementById(id);

/** An element with text in it. */
export function element(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

/** One of the symbols of index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button that shows an icon and says `label` to a screen reader and on hover. */
export function iconButton(name, label, act, className = "tool") {
  const node = element("button", "", className);
  node.type = "button";
  node.title = label;
  node.setAttribute("aria-label", label);
  node.append(icon(name));
  node.addEventListener("click", act);
  return node;
}

/** Who somebody is at a glance: a member's last letter on its colour; an "app", a "bot", a "group" have a picture. */
export function avatar(id, name, kind = "member") {
  const node = element("span", "", `avatar of-${kind}`);
  node.setAttribute("aria-hidden", "true");
  if (kind === "member") {
    let sum = 0;
    for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
    node.classList.add(`hue-${sum % HUES}`);
    node.textContent = [...name].at(-1) ?? "?";
  } else {
    node.append(icon(kind === "group" ? "group" : "bot"));
  }
  return node;
}

/** Copy `words`, and say on `node` for a moment whether that worked. */
export async function copy(words, node) {
  let done = true;
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    done = false; // no permission, or a page that is not served from this machine
  }
  node.dataset.said = done ? "已复制" : "浏览器不让复制";
  setTimeout(() => delete node.dataset.said, 1500);
}
