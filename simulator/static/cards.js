// A template card (§5.9): what it says, and its buttons, choices and votes.
import { element } from "./dom.js";
import { link } from "./render.js";

/** Draw `card` into `parent`. `act({event_key, selected})` is called when the member uses it. */
export function renderCard(parent, card, act) {
  const title = card.main_title ?? {};
  append(parent, "div", card.source?.desc, "card-source");
  append(parent, "h3", title.title);
  append(parent, "p", title.desc, "card-soft");
  append(parent, "div", card.emphasis_content?.title, "card-big");
  append(parent, "p", card.emphasis_content?.desc, "card-soft");
  append(parent, "blockquote", [card.quote_area?.title, card.quote_area?.quote_text].filter(Boolean).join("\n"));
  append(parent, "p", card.sub_title_text);
  for (const { title: head, desc } of list(card.vertical_content_list)) {
    append(parent, "b", head);
    append(parent, "p", desc);
  }
  drawPairs(parent, list(card.horizontal_content_list));
  for (const jump of list(card.jump_list)) parent.append(row(jump.url ? link(jump.url, jump.title) : jump.title));
  if (card.card_action?.url) parent.append(row(link(card.card_action.url, "查看详情")));
  drawControls(parent, card, act);
}

function drawControls(parent, card, act) {
  const choices = new Map(); // question key -> function that tells the chosen ids
  const chosen = () => Object.fromEntries([...choices].map(([key, ids]) => [key, ids()]));
  if (card.checkbox) choices.set(card.checkbox.question_key, drawVote(parent, card.checkbox));
  for (const select of [card.button_selection, ...list(card.select_list)].filter(Boolean)) {
    choices.set(select.question_key, drawSelect(parent, select));
  }
  const buttons = [...list(card.button_list), card.submit_button, ...list(card.action_menu?.action_list)].filter(Boolean);
  if (!buttons.length) return;
  const rowOfButtons = element("div", "", "card-buttons");
  for (const { text, key, style } of buttons) {
    const button = element("button", text, style === 1 || style === undefined ? "plain" : "plain quiet");
    button.type = "button";
    button.addEventListener("click", () => act({ event_key: key, selected: chosen() }));
    rowOfButtons.append(button);
  }
  parent.append(rowOfButtons);
}

function drawVote(parent, { mode, option_list: options, disable }) {
  const group = element("div", "", "card-vote");
  const name = `vote-${crypto.randomUUID()}`;
  const inputs = list(options).map((option) => {
    const input = document.createElement("input");
    input.type = mode === 1 ? "checkbox" : "radio";
    Object.assign(input, { name, value: option.id, checked: Boolean(option.is_checked), disabled: Boolean(disable) });
    const label = document.createElement("label");
    label.append(input, option.text);
    group.append(label);
    return input;
  });
  parent.append(group);
  return () => inputs.filter((input) => input.checked).map((input) => input.value);
}

function drawSelect(parent, { title, option_list: options, selected_id: selected }) {
  const select = document.createElement("select");
  select.append(...list(options).map((option) => new Option(option.text, option.id, false, option.id === selected)));
  const label = element("label", title ?? "", "card-select");
  label.append(select);
  parent.append(label);
  return () => [select.value];
}

function drawPairs(parent, pairs) {
  if (!pairs.length) return;
  const node = document.createElement("dl");
  for (const { keyname, value, url } of pairs) {
    const words = document.createElement("dd");
    words.append(url ? link(url, value ?? url) : value ?? "");
    node.append(element("dt", keyname), words);
  }
  parent.append(node);
}

function append(parent, tag, words, className = "") {
  if (words) parent.append(element(tag, words, className));
}

function row(content) {
  const node = document.createElement("p");
  node.append(content ?? "");
  return node;
}

/** A card comes from a bot under development: what should be a list may be anything. */
const list = (value) => (Array.isArray(value) ? value : []);
