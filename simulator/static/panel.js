// The side panel's first tab: what goes over the wire, live, raw and decrypted.
import { follow } from "./api.js";
import { byId, copy, element, iconButton } from "./dom.js";
import { pretty } from "./pretty.js";
import { corp } from "./store.js";

const KEPT = 300;
const NEAR_END_PX = 40;
const KINDS = { callback: "回调", poll: "取流", api: "接口", reply: "主动回复", rule: "规则" };
const PEERS = { app: "应用", bot: "机器人", kf: "客服" };

/** The list of events. `reveal(entryId)` shows the entry that an event belongs to. */
export function createTrace(reveal) {
  const list = byId("trace");
  let events = new Map(); // n -> event
  let rows = new Map(); // n -> its list item
  let place = { member: "", key: "", peer: "", chat: "" };
  let focus = null; // {entry, request_id}: only what belongs to one entry
  let following = null;

  const onlyHere = () => byId("trace-scope").value === "here";

  function belongs(event) {
    if (focus) return event.entry === focus.id || (focus.request_id !== "" && event.request_id === focus.request_id);
    if (!onlyHere()) return true;
    if (!event.member && !event.chat) return !event.peer || event.peer === place.peer;
    if (place.chat || event.chat) return event.chat === place.chat;
    return event.member === place.member && event.peer === place.peer;
  }

  /** Begin to listen; nothing is asked for while the panel is closed. */
  function open() {
    if (following) return;
    following = new AbortController();
    follow("trace", { start: restart, news: take, lost: (isLost) => { byId("trace-lost").hidden = !isLost; }, signal: following.signal });
  }

  function close() {
    following?.abort();
    following = null;
  }

  function restart() {
    events = new Map();
    redraw();
  }

  function take(answer) {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    for (const event of answer.events) {
      events.set(event.n, event);
      if (events.size > KEPT) forget(events.keys().next().value);
      if (belongs(event)) put(event);
    }
    byId("trace-empty").hidden = rows.size > 0;
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  function forget(n) {
    rows.get(n)?.remove();
    rows.delete(n);
    events.delete(n);
  }

  function put(event) {
    const old = rows.get(event.n);
    const item = drawEvent(event, reveal);
    if (old) {
      item.firstChild.open = old.firstChild.open;
      old.replaceWith(item);
    } else {
      list.append(item);
    }
    rows.set(event.n, item);
  }

  function redraw() {
    rows = new Map();
    list.replaceChildren();
    for (const event of events.values()) if (belongs(event)) put(event);
    byId("trace-empty").hidden = rows.size > 0;
    byId("trace-focus").hidden = !focus;
    list.scrollTop = list.scrollHeight;
  }

  function show(conversation, member) {
    place = { member, key: conversation.key, peer: conversation.peer?.id ?? "", chat: conversation.chat };
    focus = null;
    redraw();
  }

  function showEntry(entry) {
    focus = entry;
    redraw();
  }

  byId("trace-scope").addEventListener("change", () => showEntry(null));
  byId("trace-focus").addEventListener("click", () => showEntry(null));
  byId("trace-clear").addEventListener("click", restart);
  return { open, close, show, showEntry };
}

function drawEvent(event, reveal) {
  const item = document.createElement("li");
  item.dataset.kind = event.kind;
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(element("span", KINDS[event.kind] ?? event.kind, `kind-${event.kind}`), element("span", titleOf(event), "event-title"), element("span", resultOf(event), failed(event) ? "event-result bad" : "event-result"));
  if (event.kind === "rule") summary.append(element("span", ruleText(event.rule), "event-rule"));
  details.append(summary);
  let drawn = false;
  const draw = () => {
    if (drawn || !details.open) return;
    drawn = true;
    details.append(...drawParts(event, reveal));
  };
  details.addEventListener("toggle", draw);
  item.append(details);
  return item;
}

function titleOf(event) {
  const peer = PEERS[event.peer];
  const where = peer && event.kind !== "rule" ? `${peer} · ` : "";
  return `${where}${event.title}${event.count > 1 ? ` ×${event.count}` : ""}`;
}

function ruleText(number) {
  const known = corp().rules.find((one) => one.number === number);
  return number === null ? "" : `规则 ${number}${known ? `：${known.text}` : ""}`;
}

function resultOf({ response, ms }) {
  if (!response) return "";
  const code = /"errcode"\s*:\s*(-?\d+)/.exec(response.body)?.[1];
  const took = ms === null ? "" : ` · ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${response.error || response.status}${code && code !== "0" ? ` · ${code}` : ""}${took}`;
}

const failed = ({ response, kind }) =>
  kind !== "rule" && response && (response.error || response.status !== 200 || /"errcode"\s*:\s*-?[1-9]/.test(response.body));

function drawParts(event, reveal) {
  const time = new Date(event.at * 1000).toLocaleTimeString("zh-CN", { hourCycle: "h23" });
  const head = element("p", `${time}${event.request_id ? ` · ${event.request_id}` : ""}`, "event-at");
  if (event.entry) {
    const button = element("button", "看这条消息", "plain quiet small");
    button.type = "button";
    button.addEventListener("click", () => reveal(event));
    head.append(" ", button);
  }
  const parts = [head];
  const { request, response, decrypted, details } = event;
  if (details && Object.keys(details).length) parts.push(drawPart("细节", JSON.stringify(details)));
  if (decrypted) parts.push(drawPart("解密后", decrypted));
  if (request) parts.push(drawPart("请求", request.body, `${request.method} ${request.url}`));
  if (response?.decrypted) parts.push(drawPart("回答，解密后", response.decrypted));
  if (response?.body) parts.push(drawPart("回答", response.body));
  return parts;
}

function drawPart(label, raw, line = "") {
  const node = element("section", "", "part");
  const words = pretty(raw);
  const head = element("div", "", "part-head");
  const copies = iconButton("copy", `复制：${label}`, () => copy(words, copies));
  head.append(element("h4", label), copies);
  node.append(head);
  if (line) node.append(element("p", line, "part-line"));
  if (words) {
    const body = element("pre", words);
    body.tabIndex = 0;
    node.append(body);
  }
  return node;
}
