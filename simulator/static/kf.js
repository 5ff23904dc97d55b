// Customer service on the page: the customer's WeChat on the left, the servicer's desk on the right, live on both sides.
import { call, follow, upload } from "./api.js";
import { drawExamples } from "./composer.js";
import { avatar, byId, element, iconButton } from "./dom.js";
import { createRows } from "./kf-bubbles.js";
import { createDesk } from "./kf-desk.js";
import { createList, listenToForm } from "./kf-form.js";
import { preview } from "./words.js";

const HASH = "#~kf";
const PLACE = { latitude: 39.9, longitude: 116.4, name: "北京市", address: "东城区" };

/** Whether the address leads here: #~kf/customer/account/servicer. */
export const isKf = (hash) => hash.startsWith(HASH);

/** The view. `notify(words)` tells what went wrong, `shown(place)` that another chat is open. */
export function createKf({ notify, shown }) {
  let config = { accounts: [], customers: [] };
  let sessions = [];
  let entries = new Map(); // "customer account" -> Map(id -> entry)
  const here = { customer: "", account: "", servicer: "" };
  const isOpen = () => byId("app").dataset.mode === "kf";

  const accountOf = (id) => config.accounts.find((one) => one.open_kfid === id);
  const customerOf = (id) => config.customers.find((one) => one.external_userid === id);
  const nameOf = (userid) => accountOf(here.account)?.servicers.find((one) => one.userid === userid)?.name ?? userid ?? "";
  const entriesOf = (customer, account) => [...(entries.get(`${customer} ${account}`)?.values() ?? [])];

  async function attempt(act) {
    try {
      await act();
      return true;
    } catch (error) {
      notify(`没有做成：${error.message}`);
      return false;
    }
  }

  const post = (path, body) => attempt(() => call("POST", `kf/${path}`, { open_kfid: here.account, ...body }));
  const says = (body) => post("messages", { customer: here.customer, ...body });

  const desk = createDesk({
    state: () => ({ here, config, sessions, entriesOf, nameOf, customerOf, accountOf }),
    post,
    go,
    sendFiles: (files, more) => sendFiles(files, more),
  });

  const fill = createList("phone");
  const drawRows = createRows("phone", (entry, id) => post("messages", { customer: entry.member, target: entry.id, menu_id: id }));

  function go(change) {
    const { customer, account, servicer } = { ...here, ...change };
    location.hash = `${HASH}/${[customer, account, servicer].join("/")}`;
  }

  async function loadConfig() {
    config = await call("GET", "kf/config");
    drawExamples(byId("phone-examples"), (question) => says({ content: question }), config.examples);
  }

  /** Show what the address says. */
  function open(hash) {
    const [, customer, account, servicer] = hash.split("/");
    here.customer = customerOf(customer)?.external_userid ?? config.customers[0]?.external_userid ?? "";
    here.account = accountOf(account)?.open_kfid ?? config.accounts[0]?.open_kfid ?? "";
    const serving = accountOf(here.account)?.servicers ?? [];
    here.servicer = serving.find((one) => one.userid === servicer)?.userid ?? serving[0]?.userid ?? "";
    document.title = "微信客服 · 模拟企业微信";
    shown({ ...here, name: customerOf(here.customer)?.nickname ?? "" });
    draw();
  }

  function draw() {
    if (!isOpen()) return;
    drawCustomers();
    drawPhone();
    desk.draw();
  }

  function drawCustomers() {
    const focused = document.activeElement?.dataset.customer;
    byId("customers").replaceChildren(...config.customers.map(({ external_userid: id, nickname, refuses }) => {
      const button = element("button", "", "member-button");
      button.type = "button";
      button.dataset.customer = id;
      button.setAttribute("aria-pressed", String(id === here.customer));
      button.title = `以微信客户${nickname}的身份聊天`;
      const words = element("span", "", "member-words");
      words.append(element("span", nickname, "member-name"), element("span", refuses ? "拒收消息" : "微信客户", "member-role"));
      button.append(avatar(id, nickname), words);
      button.addEventListener("click", () => go({ customer: id }));
      return button;
    }), iconButton("plus", "来一位新客户", addCustomer));
    if (focused) byId("customers").querySelector(`[data-customer="${CSS.escape(focused)}"]`)?.focus();
  }

  const addCustomer = () => attempt(async () => {
    const nickname = `客户${config.customers.length + 1}`;
    const { external_userid: customer } = await call("POST", "kf/customers", { nickname });
    await loadConfig();
    go({ customer });
  });

  function drawPhone() {
    const account = accountOf(here.account);
    const customer = customerOf(here.customer);
    const found = entriesOf(here.customer, here.account);
    byId("phone-title").textContent = account?.name ?? "";
    byId("phone-subtitle").textContent = `${customer?.nickname ?? ""}的微信`;
    const choose = config.accounts.length > 1; // the choice says the name, too
    byId("phone-title").classList.toggle("unseen", choose);
    byId("kf-account").hidden = !choose;
    byId("kf-account").replaceChildren(...config.accounts.map((one) => new Option(one.name, one.open_kfid, false, one.open_kfid === here.account)));
    byId("phone-empty").hidden = found.length > 0;
    byId("phone-empty-words").textContent = `${customer?.nickname ?? ""}还没有和${account?.name ?? ""}说过话`;
    const people = { customer: customer?.nickname ?? "", account: account?.name ?? "", nameOf };
    fill(drawRows(found, people), `${here.customer} ${here.account}`);
    byId("phone-menu").replaceChildren(...menu(customer, found).map(([label, act]) => {
      const button = element("button", label);
      button.type = "button";
      button.addEventListener("click", () => {
        byId("phone-more").open = false;
        act();
      });
      return button;
    }));
  }

  /** What else a customer can do. */
  function menu(customer, found) {
    const mine = found.filter(({ via, recalled }) => via === "member" && !recalled).at(-1);
    return [
      ["打开会话（事件）", () => post("enter", { customer: here.customer })],
      ["扫海报进来（场景 poster）", () => post("enter", { customer: here.customer, scene: "poster" })],
      ["发位置", () => says({ type: "location", fields: PLACE })],
      ["发未知类型", () => says({ type: "channels", fields: { title: "视频号动态" } })],
      ...(mine ? [["撤回上一条", () => attempt(() => call("POST", "kf/recall", { target: mine.id }))]] : []),
      [customer?.refuses ? "重新接收消息" : "拒收消息", () => attempt(async () => {
        await call("POST", "kf/refuse", { customer: here.customer, on: !customer.refuses });
        await loadConfig();
        draw();
      })],
    ];
  }

  async function sendFiles(files, more) {
    for (const file of files) {
      const kind = /^(image|video)\/(?:png|jpeg|mp4)$/.exec(file.type)?.[1] ?? (/\.amr$/i.test(file.name) ? "voice" : "file");
      await attempt(async () => call("POST", "kf/messages", { open_kfid: here.account, type: kind, upload: (await upload(file)).id, ...more }));
    }
  }

  async function take({ messages }) {
    for (const entry of messages) {
      const place = `${entry.member} ${entry.chat}`;
      if (!entries.has(place)) entries.set(place, new Map());
      entries.get(place).set(entry.id, entry);
    }
    if (messages.some(({ member, content }) => (member && !customerOf(member)) || content === "servicer_status_change")) await loadConfig();
    ({ sessions } = await call("GET", "kf/sessions"));
    for (const entry of messages.filter(({ via, member, chat }) => via !== "member" && via !== "system" && member === here.customer && chat === here.account)) {
      if (isOpen()) byId("live").textContent = `${accountOf(entry.chat)?.name}：${preview(entry)}`;
    }
    const waiting = sessions.filter(({ state }) => state === 2).length;
    byId("pool-count").hidden = waiting === 0;
    byId("pool-count").textContent = String(waiting);
    draw();
  }

  /** Begin to listen; `ready()` is called once there is something to show. */
  function start(ready) {
    follow("kf/messages", {
      start: async () => {
        entries = new Map();
        await loadConfig();
        ready();
      },
      news: take,
      lost: () => {}, // the members' chats say so already
      held: isOpen,
      signal: new AbortController().signal,
    });
  }

  listenToForm("phone", (content) => says({ content }), (files) => sendFiles(files, { customer: here.customer }));
  byId("phone-enter").addEventListener("click", () => post("enter", { customer: here.customer }));
  byId("kf-account").addEventListener("change", (event) => go({ account: event.target.value, servicer: "" }));
  for (const side of ["phone", "desk"]) {
    byId(`see-${side}`).addEventListener("click", () => {
      byId("kf").dataset.side = side;
      for (const other of ["phone", "desk"]) byId(`see-${other}`).setAttribute("aria-pressed", String(other === side));
    });
  }
  byId("kf").dataset.side = "phone";

  /** Come in by a link of add_contact_way. */
  const enterBy = (code, param) => post("enter", { customer: here.customer, enc_scene: code, scene_param: param });

  return { start, open, enterBy, reveal: (id) => byId("kf").querySelector(`li[data-id="${id}"]`)?.scrollIntoView({ block: "center" }) };
}
