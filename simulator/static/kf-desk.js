// The servicer's desk: who waits, whom one serves, and what one can do with the open session.
import { avatar, byId, element } from "./dom.js";
import { createRows } from "./kf-bubbles.js";
import { createList, listenToForm } from "./kf-form.js";
import { STATES, eventWords } from "./kf-words.js";
import { preview, shortTime } from "./words.js";

/** Why one cannot answer, by the state of the session (3: it is a colleague's). */
const CLOSED = ["机器人在接待，转人工后才能回复", "机器人在接待，转人工后才能回复", "接入会话后才能回复", "同事在接待", "会话已结束"];

/** The desk. `state()` is what the page knows, `post(path, body)` asks the simulator, `go(change)` opens another chat. */
export function createDesk({ state, post, go, sendFiles }) {
  const sessionOf = ({ here, sessions }) => sessions.find((one) => one.customer === here.customer && one.open_kfid === here.account);
  const act = (name, more = {}) => {
    const { here } = state();
    post("session", { customer: here.customer, servicer: here.servicer, act: name, ...more });
  };

  const fill = createList("desk");
  const drawRows = createRows("desk");

  function draw() {
    const known = state();
    drawBar(known);
    drawList(known);
    drawHead(known);
    const { here, entriesOf, nameOf, customerOf, accountOf } = known;
    const people = { customer: customerOf(here.customer)?.nickname ?? "", account: accountOf(here.account)?.name ?? "", nameOf };
    fill(drawRows(entriesOf(here.customer, here.account), people), `${here.customer} ${here.account}`);
    const session = sessionOf(known);
    const mine = session?.state === 3 && session.servicer === here.servicer;
    byId("desk-text").disabled = !mine;
    byId("desk-text").placeholder = mine ? "以接待人员的身份回复…" : (CLOSED[session?.state] ?? "");
    for (const button of byId("desk-form").querySelectorAll("button")) button.disabled = !mine;
  }

  function drawBar({ here, accountOf, nameOf }) {
    const servicers = accountOf(here.account)?.servicers ?? [];
    byId("desk-face").replaceChildren(...(here.servicer ? [avatar(here.servicer, nameOf(here.servicer))] : []));
    byId("servicer").replaceChildren(...servicers.map(({ userid, name }) => new Option(name, userid, false, userid === here.servicer)));
    byId("servicer").disabled = byId("servicer-status").disabled = !servicers.length;
    const own = servicers.find((one) => one.userid === here.servicer);
    byId("servicer-status").value = !own || own.status === 0 ? "serving" : own.stop_type ? "away" : "stopped";
  }

  function drawList(known) {
    const { here, sessions, customerOf } = known;
    const ours = sessions.filter((one) => one.open_kfid === here.account && customerOf(one.customer));
    const groups = [
      ["待接入", ours.filter((one) => one.state === 2)],
      ["我的接待", ours.filter((one) => one.state === 3 && one.servicer === here.servicer)],
      ["同事接待", ours.filter((one) => one.state === 3 && one.servicer !== here.servicer)],
      ["智能助手", ours.filter((one) => one.state < 2)],
      ["已结束", ours.filter((one) => one.state === 4)],
    ];
    const shown = groups.filter(([, found]) => found.length).map(([title, found]) => {
      const node = element("section");
      const head = element("h3", title);
      head.append(" ", element("span", String(found.length), "soft"));
      node.append(head, ...found.map((one) => drawSession(one, known)));
      return node;
    });
    byId("desk-list").replaceChildren(...(shown.length ? shown : [element("p", "还没有客户来过。", "soft")]));
  }

  function drawSession({ customer, open_kfid: account }, { here, customerOf, entriesOf, nameOf }) {
    const { nickname } = customerOf(customer);
    const last = entriesOf(customer, account).filter((one) => lineOf(one, nickname, nameOf)).at(-1);
    const button = element("button", "", "chat-button");
    button.type = "button";
    if (customer === here.customer) button.setAttribute("aria-current", "true");
    const words = element("span", "", "chat-words");
    const top = element("span", "", "chat-top");
    top.append(element("span", nickname, "chat-name"), element("span", last ? shortTime(last.at) : "", "chat-time"));
    words.append(top, element("span", last ? lineOf(last, nickname, nameOf) : "", "chat-last"));
    button.append(avatar(customer, nickname), words);
    button.addEventListener("click", () => go({ customer }));
    return button;
  }

  const lineOf = (entry, nickname, nameOf) => (entry.via === "system" ? eventWords(entry, nickname, nameOf) : preview(entry));

  function drawHead(known) {
    const { here, customerOf, nameOf } = known;
    const session = sessionOf(known);
    const words = element("div", "", "names");
    words.append(element("h2", customerOf(here.customer)?.nickname ?? ""), element("p", wordsOf(session, nameOf)));
    const chip = element("span", session ? STATES[session.state] : "还没有来过", `kf-state of-${session?.state ?? 4}`);
    byId("desk-head").replaceChildren(words, chip, ...buttons(known, session));
  }

  function wordsOf(session, nameOf) {
    if (!session) return "";
    if (session.state === 3) return `${nameOf(session.servicer)}在接待，机器人不能发消息`;
    if (session.state === 2) return "客户在排队，机器人不能发消息";
    return session.state === 4 ? "客户再发消息，就是一次新会话" : `机器人还可以发 ${session.left} 条`;
  }

  function buttons({ here, accountOf }, session) {
    if (!session || !here.servicer) return [];
    if (session.state === 2) return [button("接入", () => act("take"))];
    if (session.state === 4 && session.wrote_at !== null) return [button("重新接入", () => act("reopen"), "quiet")];
    if (session.state !== 3 || session.servicer !== here.servicer) return [];
    const others = (accountOf(here.account)?.servicers ?? []).filter((one) => one.userid !== here.servicer && one.status === 0);
    const to = document.createElement("select");
    to.setAttribute("aria-label", "转给谁");
    to.append(new Option("转给…", ""), ...others.map(({ userid, name }) => new Option(name, userid)));
    to.addEventListener("change", () => to.value && act("transfer", { to: to.value }));
    return [...(others.length ? [to] : []), button("结束会话", () => act("end"), "quiet")];
  }

  function button(label, press, kind = "") {
    const node = element("button", label, `plain small ${kind}`.trim());
    node.type = "button";
    node.addEventListener("click", press);
    return node;
  }

  byId("servicer").addEventListener("change", (event) => go({ servicer: event.target.value }));
  byId("servicer-status").addEventListener("change", (event) => post("servicers", { servicer: state().here.servicer, status: event.target.value }));
  const mine = () => ({ customer: state().here.customer, servicer: state().here.servicer });
  listenToForm("desk", (content) => post("messages", { ...mine(), content }), (files) => sendFiles(files, mine()));
  return { draw };
}
