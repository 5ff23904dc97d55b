// A template card (§5.9): what it says, and its buttons, choices, votes and menu.
import { element, icon } from "./dom.js";
import { drawImage } from "./pictures.js";
import { link, linked } from "./render.js";

const SINGLE = 0;
const COLORS = ["grey", "black", "red", "green"]; // source.desc_color

/**
 * Draw `card` into `parent`. `act(choice)` is called when the member uses it, and its promise awaited: `{event_key,
 * selected, menu}` for a button or an item of the menu, `{ask}` for a question to the bot. `nameOf(userid)` names a member.
 */
export function renderCard(parent, card, { act, nameOf }) {
  const title = card.main_title ?? {};
  drawHead(parent, card, act);
  append(parent, "h3", title.title);
  append(parent, "p", title.desc, "card-soft");
  drawEmphasis(parent, card.emphasis_content ?? {});
  if (card.card_image?.url) parent.append(drawImage(card.card_image.url, card.card_image.aspect_ratio));
  drawArea(parent, card.image_text_area);
  drawQuote(parent, card.quote_area ?? {});
  append(parent, "p", card.sub_title_text);
  for (const { title: head, desc } of list(card.vertical_content_list)) {
    const node = element("div", "", "card-item");
    append(node, "b", head);
    append(node, "p", desc, "card-soft");
    parent.append(node);
  }
  drawPairs(parent, list(card.horizontal_content_list), nameOf);
  drawControls(parent, card, act);
  drawJumps(parent, list(card.jump_list), act);
  if (card.card_action) parent.append(drawJump({ ...card.card_action, title: "查看详情" }));
}

/** Who it is from, and the menu in the corner. */
function drawHead(parent, { source, action_menu: menu }, act) {
  const items = list(menu?.action_list);
  if (!source?.desc && !items.length) return;
  const node = element("div", "", "card-head");
  node.append(element("span", source?.desc ?? "", `card-source is-${COLORS[source?.desc_color] ?? "grey"}`));
  if (items.length) node.append(drawMenu(menu.desc, items, act));
  parent.append(node);
}

function drawMenu(label, items, act) {
  const details = element("details", "", "card-menu");
  const summary = document.createElement("summary");
  summary.setAttribute("aria-label", label || "更多操作");
  summary.title = label || "更多操作";
  summary.className = "tool";
  summary.append(icon("dots"));
  const box = element("div", "", "menu");
  box.append(...items.map(({ text, key }) => button(text, "", async () => {
    details.open = false;
    await act({ event_key: key, menu: true });
  })));
  details.append(summary, box);
  return details;
}

function drawEmphasis(parent, { title, desc }) {
  if (!title && !desc) return;
  const node = element("div", "", "card-emphasis");
  append(node, "div", title, "card-big");
  append(node, "p", desc, "card-soft");
  parent.append(node);
}

/** A picture on the left, words beside it. */
function drawArea(parent, area) {
  if (!area) return;
  const node = element("div", "", "card-area");
  const words = element("div");
  append(words, "b", area.title);
  append(words, "p", area.desc, "card-soft");
  node.append(drawImage(area.image_url ?? "", 1), words);
  parent.append(linked(area.url, node));
}

function drawQuote(parent, { title, quote_text: words, url }) {
  if (!title && !words) return;
  const node = document.createElement("blockquote");
  append(node, "b", title);
  append(node, "p", words);
  parent.append(linked(url, node));
}

function drawControls(parent, card, act) {
  const isDead = Boolean(card.replace_text);
  const choices = new Map(); // question key -> function that tells the chosen ids
  const chosen = () => Object.fromEntries([...choices].map(([key, ids]) => [key, ids()]));
  if (card.checkbox) choices.set(card.checkbox.question_key, drawVote(parent, card.checkbox, isDead));
  for (const select of [card.button_selection, ...list(card.select_list)].filter(Boolean)) {
    choices.set(select.question_key, drawSelect(parent, select, isDead));
  }
  const buttons = [...list(card.button_list), card.submit_button].filter(Boolean);
  if (!buttons.length && !isDead) return;
  const row = element("div", "", "card-buttons");
  if (isDead) {
    const dead = button(card.replace_text, "card-button", () => {});
    dead.disabled = true;
    row.append(dead);
  } else {
    row.append(...buttons.map((one) => drawButton(one, () => act({ event_key: one.key, selected: chosen() }))));
  }
  parent.append(row);
}

function drawButton({ text, style = 1, type, url }, press) {
  const open = () => window.open(link(url, "").href, "_blank", "noopener");
  return button(text, `card-button style-${style}`, type === 1 ? open : press);
}

/** A button that rests while what it does is under way. */
function button(text, className, press) {
  const node = element("button", text, className);
  node.type = "button";
  node.addEventListener("click", async () => {
    node.disabled = true;
    await press();
    node.disabled = false;
  });
  return node;
}

function drawVote(parent, { mode = SINGLE, option_list: options, disable }, isDead) {
  const group = element("div", "", "card-vote");
  const name = `vote-${crypto.randomUUID()}`;
  const inputs = list(options).map((option) => {
    const input = document.createElement("input");
    input.type = mode === SINGLE ? "radio" : "checkbox";
    Object.assign(input, { name, value: option.id, checked: Boolean(option.is_checked), disabled: Boolean(disable) || isDead });
    const label = document.createElement("label");
    label.append(input, element("span", option.text));
    group.append(label);
    return input;
  });
  parent.append(group);
  return () => inputs.filter((input) => input.checked).map((input) => input.value);
}

function drawSelect(parent, { title, option_list: options, selected_id: selected, disable }, isDead) {
  const select = document.createElement("select");
  select.append(...list(options).map((option) => new Option(option.text, option.id, false, option.id === selected)));
  select.disabled = Boolean(disable) || isDead;
  const label = element("label", "", "card-select");
  label.append(element("span", title ?? "请选择"), select);
  parent.append(label);
  return () => [select.value];
}

function drawPairs(parent, pairs, nameOf) {
  if (!pairs.length) return;
  const node = document.createElement("dl");
  for (const { type, keyname, value, url, userid } of pairs) {
    const words = document.createElement("dd");
    if (type === 3) words.append(element("span", `@${value || nameOf(userid)}`, "mention"));
    else words.append(url ? link(url, value || url) : value ?? "");
    node.append(element("dt", keyname), words);
  }
  parent.append(node);
}

function drawJumps(parent, jumps, act) {
  for (const jump of jumps) {
    const row = drawJump(jump);
    if (jump.type === 3) {
      row.replaceChildren(button(jump.title, "card-ask", () => act({ ask: jump.question || jump.title })));
    }
    parent.append(row);
  }
}

function drawJump({ title, url, appid }) {
  const row = element("p", "", "card-jump");
  row.append(url ? link(url, title) : element("span", appid ? `${title}（小程序 ${appid}）` : title));
  return row;
}

function append(parent, tag, words, className = "") {
  if (words) parent.append(element(tag, words, className));
}

/** A card comes from an account under development: what should be a list may be anything. */
const list = (value) => (Array.isArray(value) ? value : []);
