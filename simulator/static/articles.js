// What the app sends besides words and template cards: text cards and news (§2.7).
import { element } from "./dom.js";
import { drawImage, frameUpload } from "./pictures.js";
import { link, linked } from "./render.js";

const WIDE = 2.25;
const SQUARE = 1;

const PARTS = /<div class="(gray|normal|highlight)">(.*?)<\/div>|<br\s*\/?>/gis; // the markup that a text card may hold

/** A text card: a title, words in three shades, and where it leads. */
export function renderTextcard(parent, { title, description, url, btntxt }) {
  parent.append(element("h3", title), drawDescription(description));
  parent.append(row(link(url, btntxt || "详情")));
}

function drawDescription(description) {
  const node = element("div", "", "card-words");
  let last = 0;
  const plain = (words) => words.trim() && node.append(element("p", words.trim()));
  for (const match of description.matchAll(PARTS)) {
    plain(description.slice(last, match.index));
    if (match[1]) node.append(element("p", match[2], { gray: "card-soft", normal: "", highlight: "warning" }[match[1]]));
    last = match.index + match[0].length;
  }
  plain(description.slice(last));
  return node;
}

/** News: the first article large, the others as rows below it. */
export function renderNews(parent, articles) {
  parent.append(...articles.map((article, at) => drawArticle(article, at === 0)));
}

function drawArticle({ title, description, url, picurl, picture }, isFirst) {
  const node = element("div", "", isFirst ? "article first" : "article");
  const words = element("div", "", "article-words");
  words.append(element("b", title));
  if (isFirst && description) words.append(element("p", description, "card-soft"));
  const ratio = isFirst ? WIDE : SQUARE;
  if (picture) node.append(frameUpload(picture, ratio));
  else if (picurl) node.append(drawImage(picurl, ratio));
  node.append(words);
  return linked(url, node);
}

function row(content) {
  const node = element("p", "", "card-jump");
  node.append(content);
  return node;
}
