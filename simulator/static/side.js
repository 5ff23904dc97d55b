// The side panel itself: opened and closed, and its tabs.
import { byId } from "./dom.js";
import { openRules } from "./rules.js";

const isDrawer = matchMedia("(max-width: 72rem)"); // as in layout.css

/** The panel with its tabs `trace` and `faults`; `notify(words)` tells what the simulator refused. */
export function createSide({ trace, faults, notify }) {
  const toggles = document.querySelectorAll("[aria-controls=panel]");
  let opener = toggles[0];

  const isOpen = () => "panel" in byId("app").dataset;

  function open(tab) {
    byId("app").dataset.panel = tab;
    for (const toggle of toggles) toggle.setAttribute("aria-expanded", "true");
    for (const button of byId("tabs").children) {
      const chosen = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      byId(`${button.dataset.tab}-tab`).hidden = !chosen;
    }
    if (tab === "trace") trace.open();
    if (tab === "faults") faults.open();
    if (tab === "rules") openRules(notify);
    if (isDrawer.matches) byId("panel").querySelector("[aria-selected=true]").focus();
  }

  function close() {
    if (byId("panel").contains(document.activeElement)) opener.focus();
    delete byId("app").dataset.panel;
    for (const toggle of toggles) toggle.setAttribute("aria-expanded", "false");
    trace.close();
  }

  for (const toggle of toggles) {
    toggle.addEventListener("click", () => {
      opener = toggle;
      if (isOpen()) close();
      else open("trace");
    });
  }
  for (const node of [byId("panel-close"), byId("scrim")]) node.addEventListener("click", close);
  byId("tabs").addEventListener("click", (event) => {
    if (event.target.dataset.tab) open(event.target.dataset.tab);
  });
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tabs = [...byId("tabs").children];
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    open(next.dataset.tab);
    next.focus();
  });
  return { open, close, isOpen };
}
