// What both sides of customer service have: a list that follows its end, and a line to write on.
import { byId } from "./dom.js";

const NEAR_END_PX = 80;

/** A list of rows: `fill(rows, place)` shows them. Who is at the end stays there while it grows; another `place` begins at its end. */
export function createList(side) {
  const scroller = byId(`${side}-scroller`);
  const list = byId(`${side}-messages`);
  let shown = "";
  let following = true;
  let settled = ""; // the sizes then: a scroll at others is the layout's, not the reader's
  const sizes = () => `${scroller.scrollHeight} ${scroller.clientHeight}`;
  const settle = () => {
    if (following) scroller.scrollTop = scroller.scrollHeight;
    settled = sizes();
  };
  scroller.addEventListener("scroll", () => {
    if (sizes() === settled) following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
  });
  const watch = new ResizeObserver(settle); // pictures come later, and a side may have been hidden
  watch.observe(scroller);
  watch.observe(list);
  return (rows, place) => {
    if (place !== shown) following = true;
    shown = place;
    list.replaceChildren(...rows);
    settle();
  };
}

/** A line to write on: Enter sends, and what could not be sent stays. */
export function listenToForm(side, send, sendFiles) {
  const text = byId(`${side}-text`);
  const fit = () => {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  };
  const submit = async () => {
    const words = text.value.trim();
    if (!words) return;
    text.value = "";
    fit();
    if (!(await send(words)) && !text.value) text.value = words;
  };
  byId(`${side}-form`).addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  byId(`${side}-attach`).addEventListener("click", () => byId(`${side}-files`).click());
  byId(`${side}-files`).addEventListener("change", () => {
    sendFiles([...byId(`${side}-files`).files]);
    byId(`${side}-files`).value = "";
  });
}
