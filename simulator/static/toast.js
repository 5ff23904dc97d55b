// A line at the top that goes away by itself.
import { byId, element } from "./dom.js";

const TOAST_MS = 9000;

let timer = 0;

/** Say `words`; with `act`, a button called `label` does it. */
export function toast(words, label = "", act = null) {
  const node = byId("toast");
  clearTimeout(timer);
  const close = () => { node.hidden = true; };
  node.replaceChildren(element("span", words));
  if (act) {
    const button = element("button", label, "plain small");
    button.type = "button";
    button.addEventListener("click", () => {
      close();
      act();
    });
    node.append(button);
  }
  node.hidden = false;
  timer = setTimeout(close, TOAST_MS);
}
