// The list that opens after an @: whom to mention. The mention is the literal text "@Name " (rule 26).
import { avatar, element } from "./dom.js";

const TYPED = /@([^@\s]{0,20})$/; // an @ and what was typed of a name, up to the cursor

/** A picker below `text`, drawn into `list`; `people()` are those who can be mentioned: {id, name, kind}. */
export function createPicker(text, list, people) {
  let found = [];
  let at = 0; // the highlighted one

  function close() {
    found = [];
    list.hidden = true;
    text.removeAttribute("aria-activedescendant");
    text.setAttribute("aria-expanded", "false");
  }

  function update() {
    const typed = TYPED.exec(text.value.slice(0, text.selectionStart));
    found = typed ? people().filter(({ name, id }) => name.includes(typed[1]) || id.toLowerCase().startsWith(typed[1].toLowerCase())) : [];
    at = 0;
    if (found.length) draw();
    else close();
  }

  function draw() {
    list.replaceChildren(...found.map((person, index) => {
      const option = element("li");
      option.id = `pick-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(index === at));
      option.append(avatar(person.id, person.name, person.kind), element("span", person.name));
      if (person.kind === "bot") option.append(element("small", "机器人"));
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault(); // the words keep the focus
        pick(person);
      });
      return option;
    }));
    list.hidden = false;
    list.children[at].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-expanded", "true");
    text.setAttribute("aria-activedescendant", `pick-${at}`);
  }

  function pick({ name }) {
    const cursor = text.selectionStart;
    const begin = text.value.slice(0, cursor).search(TYPED);
    text.setRangeText(`@${name} `, begin, cursor, "end");
    close();
    text.dispatchEvent(new Event("input"));
    text.focus();
  }

  /** Type an @ for who presses the button. */
  function begin() {
    text.focus();
    text.setRangeText("@", text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input"));
  }

  /** Whether the list took the key. */
  function key(event) {
    if (!found.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" || event.key === "Tab") {
      pick(found[at]);
    } else if (event.key === "Escape") {
      close();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  text.addEventListener("input", update);
  text.addEventListener("blur", close);
  return { key, close, begin };
}
