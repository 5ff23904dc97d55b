// One entry as a row of the chat: avatar, name, bubble, what happened to it, and what can be done with it.
import { renderCard } from "./cards.js";
import { avatar, copy, element, icon, iconButton } from "./dom.js";
import { renderMarkdown, renderText } from "./render.js";
import { renderRich } from "./rich.js";
import { author, peerOf } from "./store.js";
import { clock, day, deliveryWords, eventName, kindName, preview } from "./words.js";

const PICTURES = /^image\//;
const WAYS = { passive: "随回调返回", response_url: "主动回复" };
const RATINGS = [["up", "有用", 1], ["down", "没用", 2]];

/**
 * The list item of `entry` as the member `me` sees it. `names` can be mentioned here. `follows`: it goes on from
 * what its author said just before. `actions` are what its buttons do: `quote(entry)`, `trace(entry)`, `rate(entry, type)`, `act(entry, choice)`.
 */
export function drawEntry(entry, { me, inGroup, names, follows, actions }) {
  const item = document.createElement("li");
  item.dataset.id = entry.id;
  item.dataset.via = entry.via;
  item.tabIndex = -1;
  if (entry.type === "event" && entry.via === "member") return drawEvent(item, entry);
  const mine = entry.via === "member" && entry.member === me;
  const who = author(entry);
  item.className = mine ? "mine" : "theirs";
  item.classList.toggle("follows", follows);
  const said = element("div", "", "said");
  const name = element("span", who.name, inGroup && !mine && !follows ? "name" : "name unseen");
  const line = element("div", "", "line");
  line.append(drawBubble(entry, names, actions), drawTools(entry, actions));
  said.append(name, line, ...drawFeet(entry, mine, actions));
  item.append(follows ? element("span", "", "avatar gap") : avatar(who.id, who.name, who.kind), said);
  return item;
}

/** The line between two entries that are not of the same time. */
export function drawTime(at) {
  const item = element("li", day(at) === "今天" ? clock(at) : `${day(at)} ${clock(at)}`, "time");
  return item;
}

function drawEvent(item, entry) {
  item.className = "event";
  const how = entry.delivery && deliveryWords(entry.delivery);
  item.append(element("span", `${author(entry).name} ${eventName(entry.content)}`));
  if (how) item.append(" · ", element("span", how.text, how.state));
  return item;
}

function drawBubble(entry, names, actions) {
  const node = element("div", "", "bubble");
  node.title = `${day(entry.at)} ${clock(entry.at)}`;
  if (entry.quote) node.append(drawQuote(entry.quote));
  drawContent(node, entry, names, actions);
  for (const id of entry.fields.images ?? []) node.append(picture(id, "图片"));
  if (isUnfinished(entry)) {
    node.classList.add("streaming");
    const caret = element("span", "", "caret");
    caret.setAttribute("aria-hidden", "true");
    (lastBlock(node) ?? node).append(caret);
  }
  return node;
}

const isUnfinished = ({ stream }) => Boolean(stream) && !stream.finished && !stream.expired;

/** The block that the last written word stands in. */
function lastBlock(node) {
  const last = node.lastElementChild;
  if (!last || !/^(P|LI|UL|OL|BLOCKQUOTE|H3|H4|DIV|TABLE|TBODY|TR|T[DH])$/.test(last.tagName) || last.classList.contains("quoted")) return null;
  return lastBlock(last) ?? last;
}

function drawContent(node, entry, names, actions) {
  const ofBot = entry.via !== "member" && peerOf(entry.peer)?.kind === "bot";
  if (entry.upload) node.append(drawUpload(entry));
  if (entry.type === "template_card") {
    node.classList.add("carded");
    renderCard(node, entry.fields, (choice) => actions.act(entry, choice));
  } else if (entry.type === "markdown") {
    node.classList.add("rich");
    if (ofBot) renderRich(node, entry.content, isUnfinished(entry));
    else renderMarkdown(node, entry.content);
  } else if (entry.type === "text" || entry.content) {
    renderText(node, entry.content, names);
  } else if (!entry.upload) {
    node.append(element("span", kindName(entry.type), "kind"));
    const fields = Object.entries(entry.fields).filter(([, value]) => typeof value === "string" && value);
    if (fields.length) node.append(element("pre", fields.map(([name, value]) => `${name}: ${value}`).join("\n")));
  }
}

function drawQuote({ name, type, content }) {
  const node = element("div", "", "quoted");
  node.append(element("b", name), ` ${preview({ type, content })}`);
  return node;
}

function drawUpload({ upload, type }) {
  if (PICTURES.test(upload.content_type)) return picture(upload.id, upload.name);
  const node = element("a", "", "file");
  node.href = `/_sim/uploads/${encodeURIComponent(upload.id)}`;
  node.download = upload.name;
  const words = element("span");
  words.append(element("b", upload.name || kindName(type)), element("small", size(upload.size)));
  node.append(icon("file"), words);
  return node;
}

function picture(id, name) {
  const node = element("a", "", "picture");
  node.href = `/_sim/uploads/${encodeURIComponent(id)}`;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  const image = document.createElement("img");
  image.src = node.href;
  image.alt = name || "图片";
  node.append(image);
  return node;
}

const size = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);

function drawTools(entry, actions) {
  const node = element("div", "", "tools");
  node.append(iconButton("quote", "引用", () => actions.quote(entry)));
  const copies = iconButton("copy", "复制", () => copy(entry.content, copies));
  if (entry.content) node.append(copies);
  node.append(iconButton("trace", "看它走过的路", () => actions.trace(entry)));
  return node;
}

function drawFeet(entry, mine, actions) {
  const feet = [];
  if (entry.cut) feet.push(element("span", "超过平台的长度上限，后面的字被截掉了", "foot bad"));
  if (entry.stream?.expired && !entry.stream.finished) feet.push(element("span", "没有说完：平台不再来取了", "foot bad"));
  if (mine && entry.delivery) {
    const how = deliveryWords(entry.delivery);
    feet.push(element("span", how.text, `foot ${how.state}`));
  }
  if (mine && !entry.delivery && entry.chat) feet.push(element("span", "机器人收不到这一条", "foot"));
  if (WAYS[entry.via]) feet.push(element("span", WAYS[entry.via], "foot"));
  if (entry.feedback && (!entry.stream || entry.stream.finished)) feet.push(drawRating(entry, actions));
  return feet;
}

function drawRating(entry, actions) {
  const node = element("div", "", "rating");
  node.append(...RATINGS.map(([name, label, type]) => {
    const button = iconButton(name, label, () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      for (const other of node.children) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(!pressed));
      actions.rate(entry, pressed ? 3 : type);
    });
    button.setAttribute("aria-pressed", "false");
    return button;
  }));
  return node;
}
