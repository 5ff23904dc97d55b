// The chat of one member: follows /_sim/messages by long polls and posts what the member does.
import { element, renderMarkdown, renderText } from "./render.js";

const POLL_S = 20;
const RETRY_MS = 1500;
const SHOWN = 400; // bubbles kept on the page
const NOTICE_MS = 6000;
const NEAR_END_PX = 80;
const KINDS = { image: "图片", voice: "语音", video: "视频", location: "位置", link: "链接", file: "文件" };
const ERRORS = { timeout: "没有按时回答", connection: "连接不上", bad_http: "回答看不懂", body: "没有原样解出内容" };

const byId = (id) => document.getElementById(id);
const [list, scroller, text, memberSelect] = ["messages", "scroller", "text", "member"].map(byId);

let config = { app: { name: "" }, members: [], examples: [] };
let member = null;
let following = null; // AbortController of the poll under way
let shown = new Map(); // entry id -> list item

async function call(method, path, body, signal) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function start() {
  try {
    config = await call("GET", "/_sim/config");
  } catch {
    notify("连不上模拟器，正在重试…", true);
    setTimeout(start, RETRY_MS);
    return;
  }
  notify("");
  byId("app-name").textContent = config.app.name;
  document.title = `${config.app.name} · 模拟企业微信`;
  memberSelect.replaceChildren(...config.members.map((one) => {
    const option = element("option", one.role ? `${one.name}（${one.role}）` : one.name);
    option.value = one.userid;
    return option;
  }));
  byId("examples").replaceChildren(...config.examples.map((question) => {
    const chip = element("button", question);
    chip.type = "button";
    chip.title = question;
    chip.addEventListener("click", () => post({ type: "text", content: question }));
    return chip;
  }));
  become(decodeURIComponent(location.hash.slice(1)));
}

/** Show the chat of the member `userid`, or of the first one. The address keeps the choice. */
function become(userid) {
  member = config.members.find((one) => one.userid === userid) ?? config.members[0];
  memberSelect.value = member.userid;
  history.replaceState(null, "", `#${encodeURIComponent(member.userid)}`);
  following?.abort();
  following = new AbortController();
  follow(member, following.signal);
}

async function follow(who, signal) {
  let run = null;
  let after = 0;
  clear();
  while (!signal.aborted) {
    try {
      const query = new URLSearchParams({ member: who.userid, after, wait: run === null ? 0 : POLL_S });
      const news = await call("GET", `/_sim/messages?${query}`, undefined, signal);
      if (run !== null && news.run !== run) { // the simulator was restarted or reset
        run = null;
        after = 0;
        clear();
        continue;
      }
      if (run === null) byId("empty").hidden = news.messages.length > 0;
      if (byId("notice").dataset.lost) notify("");
      run = news.run;
      after = news.rev;
      show(news.messages);
    } catch (error) {
      if (signal.aborted) return;
      notify("连不上模拟器，正在重试…", true);
      byId("notice").dataset.lost = "1";
      await new Promise((resume) => setTimeout(resume, RETRY_MS));
    }
  }
}

function clear() {
  shown = new Map();
  list.replaceChildren();
  byId("newest").hidden = true;
}

function show(entries) {
  if (!entries.length) return;
  byId("empty").hidden = true;
  const first = shown.size === 0;
  const wasAtEnd = atEnd();
  const fresh = entries.filter((entry) => !shown.has(entry.id));
  for (const entry of entries) {
    const item = draw(entry);
    if (shown.has(entry.id)) shown.get(entry.id).replaceWith(item);
    else list.append(item);
    shown.set(entry.id, item);
  }
  while (shown.size > SHOWN) {
    const [oldest, item] = shown.entries().next().value;
    item.remove();
    shown.delete(oldest);
  }
  if (!wasAtEnd && fresh.length && !fresh.some((entry) => entry.via === "member")) byId("newest").hidden = false;
  else if (wasAtEnd || fresh.length) toEnd();
  // A long answer is read from its beginning.
  const answer = shown.get(fresh[0]?.id);
  if (!first && answer && !atEnd(answer.offsetTop)) scroller.scrollTop = Math.min(scroller.scrollTop, answer.offsetTop - 8);
}

/** Whether the end of the list is in view, or would be with the list scrolled to `top`. */
function atEnd(top = scroller.scrollTop) {
  return scroller.scrollHeight - top - scroller.clientHeight < NEAR_END_PX;
}

function draw(entry) {
  const item = element("li", "");
  item.dataset.id = entry.id;
  item.dataset.via = entry.via;
  const delivery = entry.delivery && describe(entry.delivery);
  if (entry.type === "event" && entry.via === "member") {
    item.className = "event";
    item.append(element("span", `事件 ${entry.content} · ${time(entry.at)} · ${delivery.text}`, delivery.bad ? "bad" : ""));
    return item;
  }
  const mine = entry.via === "member";
  item.className = mine ? "mine" : "theirs";
  const name = mine ? member.name : config.app.name;
  const avatar = element("span", mine ? name.slice(-1) : name.slice(0, 1), "avatar");
  avatar.setAttribute("aria-hidden", "true");
  const said = element("div", "", "said");
  said.append(element("span", name, "name"), bubble(entry));
  if (entry.cut) said.append(element("span", "后面的字超过平台的长度上限，被截掉了", "foot bad"));
  const how = mine ? delivery.text : entry.via === "passive" ? "被动回复" : "";
  said.append(element("span", [time(entry.at), how].filter(Boolean).join(" · "), delivery?.bad ? "foot bad" : "foot"));
  item.append(avatar, said);
  return item;
}

function bubble(entry) {
  const node = element("div", "", "bubble");
  if (entry.type === "markdown") {
    node.classList.add("markdown");
    renderMarkdown(node, entry.content);
  } else if (entry.type === "text") {
    renderText(node, entry.content);
  } else {
    node.append(`[${KINDS[entry.type] ?? entry.type}]`);
    if (entry.via === "send") node.append(element("pre", entry.content));
  }
  return node;
}

function describe({ state, attempts, status, ms, error }) {
  const why = error === "status" ? `HTTP ${status}` : ERRORS[error] ?? "";
  const retries = Math.max(attempts - 1, error ? 1 : 0);
  switch (state) {
    case "delivered": return { text: `已送达 ${Math.round(ms)} ms${attempts > 1 ? `（重试第 ${attempts - 1} 次）` : ""}` };
    case "delivering": return { text: retries ? `重试第 ${retries} 次…（${why}）` : "发送中…", bad: retries > 0 };
    case "failed": return { text: `未送达，试了 ${attempts} 次（${why}）`, bad: true };
    case "dropped": return { text: "平台把它弄丢了（故障开关）", bad: true };
    case "held": return { text: "平台先扣着它（换序开关）", bad: true };
    default: return { text: "等待发送" };
  }
}

function time(at) {
  const when = new Date(at * 1000);
  const clock = when.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const today = when.toDateString() === new Date().toDateString();
  return today ? clock : `${when.getMonth() + 1}月${when.getDate()}日 ${clock}`;
}

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
  byId("newest").hidden = true;
}

let noticeTimer = 0;
function notify(words, bad = false, forMs = 0) {
  const node = byId("notice");
  clearTimeout(noticeTimer);
  delete node.dataset.lost;
  node.textContent = words;
  node.hidden = !words;
  node.toggleAttribute("data-bad", bad);
  if (forMs) noticeTimer = setTimeout(() => notify(""), forMs);
}

async function post(message) {
  try {
    await call("POST", "/_sim/messages", { member: member.userid, ...message });
    return true;
  } catch {
    notify("这条消息没有发出去：模拟器没有接受它。", true, NOTICE_MS);
    return false;
  }
}

async function verify() {
  try {
    const result = await call("POST", "/_sim/callback-url", {});
    const why = result.reason === "status" ? `HTTP ${result.status}` : ERRORS[result.reason];
    const words = result.ok ? `回调地址通过检查（${Math.round(result.ms)} ms）` : `回调地址没有通过检查：${why}`;
    notify(words, !result.ok, NOTICE_MS);
  } catch {
    notify("连不上模拟器", true, NOTICE_MS);
  }
}

function fitText() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

byId("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = text.value.trim();
  if (!content || !member) return;
  text.value = "";
  fitText();
  if (!(await post({ type: "text", content })) && !text.value) {
    text.value = content;
    fitText();
  }
});
text.addEventListener("input", fitText);
text.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter chooses a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  byId("composer").requestSubmit();
});
byId("more").addEventListener("click", (event) => {
  if (event.target.dataset.post) post(JSON.parse(event.target.dataset.post));
  if (event.target.id === "verify") verify();
  if (event.target.closest(".menu")) byId("more").open = false;
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("#more")) byId("more").open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") byId("more").open = false;
});
memberSelect.addEventListener("change", () => become(memberSelect.value));
window.addEventListener("hashchange", () => become(decodeURIComponent(location.hash.slice(1))));
byId("newest").addEventListener("click", toEnd);
scroller.addEventListener("scroll", () => {
  if (atEnd()) byId("newest").hidden = true;
});
if (matchMedia("(hover: hover)").matches) text.focus(); // on a phone this would open the keyboard
start();
