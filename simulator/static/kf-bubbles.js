// One entry of customer service as a row: on the customer's phone, or on the servicer's desk.
import { avatar, element } from "./dom.js";
import { eventWords, failure, isEnd } from "./kf-words.js";
import { drawPicture, drawUpload } from "./pictures.js";
import { link, linked, renderText } from "./render.js";
import { clock, day, kindName } from "./words.js";

const PAUSE_S = 300;

/** Draws the rows of one `side`, phone or desk; `press(entry, id)` is what an item of a menu does on the phone. */
export function createRows(side, press) {
  let drawn = new Map(); // entry id -> {rev, names, row}: what has not changed stays as it is

  /** The rows of `entries`; `people` names customer, servicers (`nameOf`) and account. */
  return (entries, people) => {
    const rows = [];
    const kept = new Map();
    const names = `${people.customer} ${people.account}`;
    let last = null;
    for (const entry of entries) {
      const old = drawn.get(entry.id);
      const same = old && old.rev === entry.rev && old.names === names;
      const row = same ? old.row : drawRow(entry, { side, people, press });
      kept.set(entry.id, { rev: entry.rev, names, row });
      if (!row) continue;
      if (!last || entry.at - last.at > PAUSE_S || day(entry.at) !== day(last.at)) rows.push(element("li", timeOf(entry), "time"));
      rows.push(row);
      last = entry;
    }
    drawn = kept;
    return rows;
  };
}

const timeOf = ({ at }) => (day(at) === "今天" ? clock(at) : `${day(at)} ${clock(at)}`);

function drawRow(entry, { side, people, press }) {
  const onDesk = side === "desk";
  if (entry.via === "system") {
    const words = onDesk ? eventWords(entry, people.customer, people.nameOf) : isEnd(entry) ? "会话已结束" : "";
    return words && line(words, entry.content === "msg_send_fail" ? "bad" : "");
  }
  const who = authorOf(entry, people);
  if (entry.recalled) return line(`${who.name}撤回了一条消息`);
  const failed = entry.fields.fail_type !== undefined;
  if (failed && !onDesk) return null;
  const isCustomer = entry.via === "member";
  const item = element("li", "", isCustomer === onDesk ? "theirs" : "mine");
  item.dataset.id = entry.id;
  item.dataset.via = entry.via;
  const said = element("div", "", "said");
  if (onDesk && !isCustomer) said.append(element("span", who.name, "name"));
  const bubble = element("div", "", `bubble kf-${entry.type}`);
  drawContent(bubble, entry, onDesk ? null : press);
  said.append(bubble, ...drawFeet(entry, failed));
  item.append(avatar(who.id, who.name, who.kind), said);
  return item;
}

function authorOf({ via, member, fields }, { customer, account, nameOf }) {
  if (via === "member") return { id: member, name: customer, kind: "member" };
  if (via === "servicer") return { id: fields.servicer_userid, name: nameOf(fields.servicer_userid), kind: "member" };
  return { id: "kf", name: via === "event" ? `${account} · 事件消息` : `${account} · 智能助手`, kind: "bot" };
}

function line(words, kind = "") {
  const item = element("li", "", "event");
  item.append(element("span", words, kind));
  return item;
}

function drawContent(node, entry, press) {
  const { type, content, upload, fields } = entry;
  if (upload) node.append(drawUpload(entry));
  else if (type === "text") renderText(node, content);
  else if (type === "msgmenu") drawMenu(node, entry, press);
  else if (type === "link") node.append(linked(fields.url, drawLink(fields)));
  else if (type === "location") node.append(element("b", fields.name || "位置"), element("p", fields.address || `${fields.latitude}, ${fields.longitude}`, "card-soft"));
  else node.append(element("span", `${kindName(type)} ${content}`.trim(), "kind"));
}

function drawLink({ title, desc, picture }) {
  const node = element("span", "", "kf-card");
  const words = element("span");
  words.append(element("b", title ?? ""), element("small", desc ?? ""));
  node.append(words);
  if (picture) node.append(drawPicture(picture, "").firstChild);
  return node;
}

/** A menu: its items are buttons where they can be pressed (`press`). */
function drawMenu(node, entry, press) {
  const { head_content: head, list, tail_content: tail } = entry.fields;
  if (head) renderText(node, head);
  const items = element("div", "", "kf-items");
  for (const item of list) {
    if (item.type === "click" && press) {
      const button = element("button", item.content);
      button.type = "button";
      button.addEventListener("click", () => press(entry, item.id));
      items.append(button);
    } else {
      const words = element("span", "", item.type === "text" ? "" : "kf-link");
      words.append(item.type === "view" ? link(item.url, item.content) : item.content);
      items.append(words);
    }
  }
  node.append(items);
  if (tail) node.append(element("p", tail, "card-soft"));
}

function drawFeet({ via, cut, delivery, fields }, failed) {
  const feet = [];
  if (cut) feet.push(element("span", "超过长度上限，后面的字被截掉了", "foot bad"));
  if (failed) feet.push(element("span", `没有送达：${failure(fields.fail_type)}`, "foot bad"));
  if (via === "member" && delivery) {
    feet.push(element("span", delivery.state === "delivered" ? "机器人已拉取" : "等机器人来拉取", "foot"));
  }
  return feet;
}
