// One entry as a row of the chat: avatar, name, bubble, what happened to it, and what can be done with it.
import { renderNews, renderTextcard } from "./articles.js";
import { renderCard } from "./cards.js";
import { avatar, copy, element, iconButton } from "./dom.js";
import { drawPicture, drawUpload } from "./pictures.js";
import { renderMarkdown, renderText } from "./render.js";
import { renderRich } from "./rich.js";
import { author, memberOf, peerOf } from "./store.js";
import { clock, day, deliveryWords, eventName, kindName, preview } from "./words.js";

const WAYS = { passive: "随回调返回", response_url: "主动回复", webhook: "群机器人", appchat: "应用群聊" };
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
  if (entry.recalled) return drawRecalled(item, entry);
  const mine = entry.via === "member" && entry.member === me;
  const who = author(entry);
  item.className = mine ? "mine" : "theirs";
  item.classList.toggle("follows", follows);
  const said = element("div", "", "said");
  const name = element("span", who.name, inGroup && !mine && !follows ? "name" : "name unseen");
  const line = element("div", "", "line");
  line.append(drawBubble(entry, { me, names, actions }), drawTools(entry, actions));
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

function drawRecalled(item, entry) {
  item.className = "event";
  item.append(element("span", `${author(entry).name}撤回了一条消息`));
  return item;
}

function drawBubble(entry, seen) {
  const node = element("div", "", "bubble");
  node.title = `${day(entry.at)} ${clock(entry.at)}`;
  if (entry.quote) node.append(drawQuote(entry.quote));
  drawContent(node, entry, seen);
  for (const id of entry.fields.images ?? []) node.append(drawPicture(id, "图片"));
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

function drawContent(node, entry, { me, names, actions }) {
  const ofBot = entry.via !== "member" && peerOf(entry.peer)?.kind === "bot";
  if (entry.upload) node.append(drawUpload(entry));
  if (entry.type === "template_card") {
    node.classList.add("carded");
    renderCard(node, entry.fields.updates?.[me] ?? entry.fields, {
      act: (choice) => actions.act(entry, choice),
      nameOf: (userid) => memberOf(userid)?.name ?? userid,
    });
  } else if (entry.fields.articles) {
    node.classList.add("carded", "news");
    renderNews(node, entry.fields.articles);
  } else if (entry.type === "textcard") {
    node.classList.add("carded");
    renderTextcard(node, entry.fields);
  } else if (entry.type === "markdown") {
    node.classList.add("rich");
    if (ofBot) renderRich(node, entry.content, isUnfinished(entry));
    else renderMarkdown(node, entry.content);
  } else if (entry.type === "text" || entry.content) {
    renderText(node, entry.content, names);
  } else if (entry.upload) {
    drawCaption(node, entry.fields);
  } else {
    drawFields(node, entry);
  }
}

/** The words that a video carries. */
function drawCaption(node, { title, description }) {
  if (title) node.append(element("b", title, "caption"));
  if (description) node.append(element("p", description, "card-soft"));
}

function drawFields(node, { type, fields }) {
  node.append(element("span", kindName(type), "kind"));
  const words = Object.entries(fields).filter(([, value]) => typeof value === "string" && value);
  if (words.length) node.append(element("pre", words.map(([name, value]) => `${name}: ${value}`).join("\n")));
}

function drawQuote({ name, type, content }) {
  const node = element("div", "", "quoted");
  node.append(element("b", name), ` ${preview({ type, content })}`);
  return node;
}

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
