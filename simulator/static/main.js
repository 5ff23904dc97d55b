// The page put together: who is played, which conversation is open, and what happens when something comes.
import { call, follow } from "./api.js";
import { drawChats, drawMembers, kindOf } from "./chats.js";
import { createComposer, drawExamples } from "./composer.js";
import { createConversation } from "./conversation.js";
import { byId } from "./dom.js";
import { createFaults } from "./faults.js";
import { createKf, isKf } from "./kf.js";
import { createTrace } from "./panel.js";
import { createSide } from "./side.js";
import * as store from "./store.js";
import { startTheme } from "./theme.js";
import { toast } from "./toast.js";
import { preview } from "./words.js";

const wide = matchMedia("(min-width: 45.01rem)"); // as in layout.css

let me = "";
let key = ""; // the open conversation; empty on a phone that shows the list
let run = "";
let kfStarted = false;
const entered = new Set(); // "run member": who has opened the bot's chat

const conversation = createConversation({
  quote: (entry) => composer.quote(entry),
  trace: (entry) => {
    side.open("trace");
    trace.showEntry(entry);
  },
  rate: (entry, type) => post({ event: "feedback_event", target: entry.id, feedback: { type } }),
  act: (entry, choice) => post(choice.ask ? { type: "text", content: composer.mentioning() + choice.ask } : cardEvent(entry, choice)),
});
const composer = createComposer({ post, notify: toast });
const trace = createTrace((event) => {
  if (!wide.matches) side.close();
  if (event.peer === "kf") kf.reveal(event.entry);
  else conversation.reveal(event.entry);
});
const faults = createFaults(() => kfPlace ?? { peer: here()?.peer, member: me }, toast);
const side = createSide({ trace, faults, notify: toast });
let kfPlace = null; // what is open in customer service, if that is seen
const kf = createKf({
  notify: toast,
  shown: ({ customer, account, name }) => {
    const peer = { id: "kf", kind: "kf" };
    kfPlace = { peer, member: customer, name };
    trace.show({ key: "kf", peer, chat: account }, customer);
    if (!byId("faults-tab").hidden) faults.open();
  },
});

const here = () => store.conversations(me).find((one) => one.key === key);

/** A used card; to an app, an item of the menu is an event of its own (§2.4, §4.3). */
function cardEvent(entry, { event_key, selected, menu }) {
  const event = menu && store.peerOf(entry.peer).kind === "app" ? "template_card_menu_event" : "template_card_event";
  return { event, target: entry.id, event_key, ...(selected && { selected }) };
}

/** Send as a member into a conversation. Whether the simulator took it. */
async function post(message, { kind, peer, chat } = here(), member = me) {
  try {
    const entry = await call("POST", "messages", { member, ...(kind === "group" ? { chat } : { peer: peer.id }), ...message });
    if (entry.skipped) toast(`平台没有发这个事件（规则 ${entry.rule}）`);
    return true;
  } catch (error) {
    toast(`没有发出去：${error.message}`);
    return false;
  }
}

async function loadConfig() {
  store.setConfig(await call("GET", "config"));
  byId("modes").hidden = !store.corp().has_kf || !store.corp().peers.length;
  drawExamples(byId("examples"), (question) => post({ type: "text", content: composer.mentioning() + question }));
}

/** The address keeps who is played and what is open: #member/conversation. */
function route() {
  const ofKf = store.corp().has_kf && (isKf(location.hash) || !store.corp().peers.length);
  byId("app").dataset.mode = ofKf ? "kf" : "corp";
  for (const [name, chosen] of [["kf", ofKf], ["corp", !ofKf]]) byId(`mode-${name}`).ariaCurrent = chosen ? "page" : null;
  if (ofKf) return kf.open(location.hash);
  if (kfPlace) key = ""; // what the panel shows is to be put back
  kfPlace = null;
  const [userid, ...rest] = location.hash.slice(1).split("/");
  const member = store.memberOf(userid) ?? store.corp().members[0];
  const found = store.conversations(member.userid);
  const wanted = found.find((one) => one.key === rest.join("/"));
  return show(member.userid, wanted?.key ?? (wide.matches ? found[0]?.key ?? "" : ""));
}

function go(userid, conversationKey) {
  const hash = `#${[userid, ...conversationKey.split("/")].filter(Boolean).join("/")}`;
  if (location.hash === hash) route();
  else location.hash = hash;
}

function show(userid, conversationKey) {
  const changed = me !== userid || key !== conversationKey;
  me = userid;
  key = conversationKey;
  byId("app").dataset.view = key ? "chat" : "list";
  const member = store.memberOf(me);
  byId("me").textContent = `${member.name}${member.role ? ` · ${member.role}` : ""}`;
  if (key && changed) showConversation();
  drawSides();
}

function showConversation() {
  const open = here();
  byId("title").textContent = open.name;
  byId("subtitle").textContent = open.kind === "group" ? memberNames(open) : kindOf(open.peer);
  byId("mention").hidden = open.kind !== "group";
  byId("empty-words").textContent = emptyWords(open);
  document.title = `${open.name} · 模拟企业微信`;
  conversation.show(open, me);
  composer.show(open, me);
  trace.show(open, me);
  if (!byId("faults-tab").hidden) faults.open();
  if (matchMedia("(hover: hover)").matches) composer.focus(); // on a phone this would open the keyboard
  readHere();
  enterChat(open);
}

const memberNames = ({ members, peer }) =>
  [...members.map((userid) => store.memberOf(userid)?.name ?? userid), ...(peer ? [peer.name] : [])].join("、");

function emptyWords({ kind, peer }) {
  if (kind !== "group") return `现在是${store.memberOf(me).name}在和${peer.name}说话`;
  return peer ? `群里 @${peer.name} 提问，大家都看得到` : "群里还没有机器人";
}

/** WeCom tells the bot when a member opens its chat, once a day (rule 31). */
function enterChat({ kind, peer, last }) {
  const visit = `${run} ${me}`;
  if (kind !== "single" || peer.kind !== "bot" || last || entered.has(visit)) return;
  entered.add(visit);
  post({ event: "enter_chat" });
}

function readHere() {
  if (key && !kfPlace && document.visibilityState === "visible") store.markRead(me, key);
}

function drawSides() {
  drawMembers(me, (userid) => go(userid, wide.matches || key ? key : ""));
  drawChats(me, key, (conversationKey) => go(me, conversationKey));
}

async function takeNews({ messages }, first) {
  if (messages.some(store.isUnknown)) await loadConfig();
  const fresh = store.take(messages);
  if (first) return begin();
  const open = key && here();
  const changed = open ? messages.filter((entry) => isIn(entry, open)) : [];
  if (changed.length) {
    conversation.update(changed);
    readHere();
    for (const entry of changed.filter(isComplete)) conversation.announce(entry);
  }
  if (messages.length) drawSides();
  for (const entry of fresh) tellOthers(entry);
  return undefined;
}

/** Everything is known: show what the address says, and listen to customer service, too. */
function begin() {
  if (!store.corp().has_kf) return route();
  if (kfStarted) return route();
  kfStarted = true;
  return kf.start(() => {
    const [code, param] = ["enc_scene", "scene_param"].map((name) => new URLSearchParams(location.search).get(name));
    if (code) history.replaceState(null, "", "/#~kf"); // who reloads does not come in again
    route();
    if (code) kf.enterBy(code, param ?? "");
  });
}

const isIn = (entry, open) => store.keyOf(entry) === open.key && (entry.chat !== "" || entry.member === me);
const isComplete = (entry) => entry.via !== "member" && (!entry.stream || entry.stream.finished);

/** Another played member got something that the present one does not see. */
function tellOthers(entry) {
  const seen = store.audience(entry);
  if (entry.via === "member" || seen.includes(me)) return;
  const { userid, name, role } = store.memberOf(seen[0]) ?? {};
  if (!userid) return;
  const conversationKey = store.keyOf(entry);
  toast(`${name}${role ? `（${role}）` : ""}收到：${preview(entry) || "正在写…"}`, `切换到${name}`, () => go(userid, conversationKey));
}

function listen() {
  byId("back").addEventListener("click", () => go(me, ""));
  window.addEventListener("hashchange", route);
  wide.addEventListener("change", route);
  document.addEventListener("visibilitychange", () => {
    readHere();
    if (me) drawSides();
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details:is(.more, .card-menu)[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (byId("more").open) byId("more").open = false;
    else if (side.isOpen() && !byId("composer").contains(document.activeElement)) side.close();
  });
}

startTheme();
listen();
follow("messages", {
  start: async (fresh) => {
    run = fresh;
    key = "";
    store.begin(run);
    await loadConfig();
  },
  news: takeNews,
  lost: (isLost) => { byId("lost").hidden = !isLost; },
  held: () => !kfPlace,
  signal: new AbortController().signal,
});
