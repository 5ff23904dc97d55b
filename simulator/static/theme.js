// Light or dark: as the system has it, until the reader chooses; the choice is remembered.
import { byId } from "./dom.js";

const KEPT = "simulator.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Follow the remembered choice, and let the button change it. */
export function startTheme() {
  const chosen = localStorage.getItem(KEPT);
  if (chosen) document.documentElement.dataset.theme = chosen;
  byId("theme").addEventListener("click", () => {
    const next = (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem(KEPT, next);
  });
}
