// The side panel's third tab: the platform's rules, each with its numbers and switches.
import { call } from "./api.js";
import { byId, element } from "./dom.js";
import { corp } from "./store.js";
import { CHOICES, SWITCHES } from "./switches.js";

/** Draw all rules; a switch of no known rule stands at the end. `notify(words)` tells what the simulator refused. */
export async function openRules(notify) {
  let values;
  try {
    values = await call("GET", "rules");
  } catch (error) {
    notify(`看不到规则：${error.message}`);
    return;
  }
  const rest = new Map(Object.entries(values));
  const rows = corp().rules.map(({ number, text }) => {
    const words = element("div", text);
    for (const [name, value] of rest) {
      if (SWITCHES[name]?.[0] !== number) continue;
      words.append(drawSwitch(name, value, notify));
      rest.delete(name);
    }
    return row(element("b", String(number)), words);
  });
  byId("rules").replaceChildren(...rows, ...[...rest].map(([name, value]) => row(drawSwitch(name, value, notify))));
}

function row(...parts) {
  const item = document.createElement("li");
  item.append(...parts);
  return item;
}

function drawSwitch(name, value, notify) {
  const label = element("label", SWITCHES[name]?.[1] ?? name, "switch");
  label.title = name;
  const input = inputFor(name, value);
  input.addEventListener("change", async () => {
    try {
      const values = await call("PATCH", "rules", { [name]: valueOf(input) });
      label.replaceWith(drawSwitch(name, values[name], notify));
    } catch (error) {
      label.replaceWith(drawSwitch(name, value, notify)); // as it was
      notify(`模拟器没有照做：${error.message}`);
    }
  });
  label.append(input);
  return label;
}

function valueOf(input) {
  if (input.type === "checkbox") return input.checked;
  return input.type === "number" ? Number(input.value) : input.value;
}

function inputFor(name, value) {
  const input = document.createElement(CHOICES[name] ? "select" : "input");
  input.name = name;
  if (CHOICES[name]) {
    input.append(...Object.entries(CHOICES[name]).map(([choice, words]) => new Option(words, choice)));
    input.value = value;
  } else if (typeof value === "boolean") {
    input.type = "checkbox";
    input.checked = value;
  } else if (typeof value === "string") {
    input.type = "text";
    input.value = value;
  } else {
    input.type = "number";
    input.step = "any";
    input.min = "0";
    input.value = value;
  }
  return input;
}
