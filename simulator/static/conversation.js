// The open conversation: its rows, and a scroll position that follows what is new without fighting the reader.
import { drawEntry, drawTime } from "./bubbles.js";
import { byId } from "./dom.js";
import { author, entriesIn, mentionable, readUpTo } from "./store.js";
import { day, preview } from "./words.js";

const NEAR_END_PX = 60;
const PAUSE_S = 300; // after such a pause the time is written down, and the author again
const LONG_PRESS_MS = 450;

/** The view of one conversation at a time. `actions` are those of drawEntry. */
export function createConversation(actions) {
  const list = byId("messages");
  const scroller = byId("scroller");
  let open = null; // {key, kind, …}
  let me = "";
  let rows = new Map(); // entry id -> its list item
  let last = null; // the newest entry drawn
  let following = true; // the reader is at the end, or asked to be
  let anchor = null; // the first row that came since the member last wrote: it stays in view while more comes

  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;

  function show(conversation, userid) {
    open = conversation;
    me = userid;
    rows = new Map();
    last = null;
    anchor = null;
    following = true;
    list.replaceChildren();
    const found = entriesIn(me, open.key);
    const upTo = readUpTo(me, open.key);
    const firstUnread = upTo ? found.find((entry) => entry.id > upTo) : undefined;
    for (const entry of found) {
      if (entry === firstUnread && entry !== found[0]) list.append(divider());
      append(entry);
    }
    byId("empty").hidden = found.length > 0;
    scroller.scrollTop = scroller.scrollHeight;
    byId("newest").hidden = true;
  }

  /** Draw what changed in the open conversation. */
  function update(entries) {
    const fresh = entries.filter((entry) => !rows.has(entry.id));
    for (const entry of entries) {
      if (rows.has(entry.id)) redraw(entry);
      else append(entry);
    }
    byId("empty").hidden = rows.size > 0;
    if (fresh.some((entry) => isOwn(entry))) {
      following = true;
      anchor = null;
    } else if (fresh.length) {
      anchor ??= rows.get(fresh[0].id);
    }
    settle(fresh.length > 0);
  }

  const isOwn = (entry) => entry.via === "member" && entry.member === me;

  function append(entry) {
    const pause = !last || entry.at - last.at > PAUSE_S || day(entry.at) !== day(last.at);
    if (pause) list.append(drawTime(entry.at));
    const follows = !pause && isTalk(last) && isTalk(entry) && author(last).id === author(entry).id;
    const item = draw(entry, follows);
    list.append(item);
    rows.set(entry.id, item);
    last = entry;
  }

  const isTalk = (entry) => !(entry.type === "event" && entry.via === "member");

  function draw(entry, follows) {
    return drawEntry(entry, { me, inGroup: open.kind === "group", names: mentionable(open), follows, actions });
  }

  /** Replaced in place; what the reader has focused or unfolded stays so. */
  function redraw(entry) {
    const old = rows.get(entry.id);
    const item = draw(entry, old.classList.contains("follows"));
    const unfolded = old.querySelector("details")?.open;
    if (unfolded && item.querySelector("details")) item.querySelector("details").open = true;
    const pressed = old.querySelector("[aria-pressed=true]")?.getAttribute("aria-label");
    if (pressed) item.querySelector(`.rating [aria-label="${pressed}"]`)?.setAttribute("aria-pressed", "true");
    item.classList.toggle("acting", old.classList.contains("acting"));
    if (anchor === old) anchor = item;
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    old.replaceWith(item);
    rows.set(entry.id, item);
    if (focused) item.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  }

  /** Follow to the end, but not past the beginning of an answer that is longer than the window. */
  function settle(isNew) {
    if (following) {
      const end = scroller.scrollHeight - scroller.clientHeight;
      const top = anchor ? Math.min(end, anchor.offsetTop - 12) : end;
      if (top > scroller.scrollTop) scroller.scrollTop = top;
    }
    if (atEnd()) byId("newest").hidden = true;
    else if (isNew || following) byId("newest").hidden = false;
  }

  function toEnd() {
    anchor = null;
    following = true;
    scroller.scrollTop = scroller.scrollHeight;
    byId("newest").hidden = true;
  }

  /** Bring the row of an entry into view and mark it for a moment. */
  function reveal(id) {
    const item = rows.get(id);
    if (!item) return;
    item.scrollIntoView({ block: "center" });
    flash(item);
  }

  scroller.addEventListener("scroll", () => {
    const end = atEnd();
    if (end) byId("newest").hidden = true;
    // Held back by the anchor, the view is not at the end either, and yet nobody scrolled away.
    following = end || (anchor !== null && Math.abs(scroller.scrollTop - (anchor.offsetTop - 12)) < 2);
  });
  list.addEventListener("load", () => settle(false), true); // a picture has come and needs its room
  new ResizeObserver(() => settle(false)).observe(scroller); // a phone's keyboard, a longer draft, a turned screen
  byId("newest").addEventListener("click", toEnd);
  followCitations(list);
  openOnLongPress(list);
  return { show, update, reveal, announce: (entry) => say(entry) };
}

/** What a screen reader hears of an entry, once it is complete. */
function say(entry) {
  byId("live").textContent = `${author(entry).name}：${preview(entry)}`;
}

function divider() {
  const item = document.createElement("li");
  item.className = "divider";
  item.textContent = "以下是新消息";
  return item;
}

function flash(node) {
  node.classList.remove("flash");
  void node.offsetWidth; // so that a second flash begins anew
  node.classList.add("flash");
}

/** A citation leads to its line in the list of sources of the same bubble. */
function followCitations(list) {
  const go = (event) => {
    const cite = event.target.closest(".cite");
    const source = cite?.closest(".bubble").querySelector(`.source[data-n="${cite.dataset.n}"]`);
    if (!source) return;
    event.preventDefault();
    source.scrollIntoView({ block: "nearest" });
    flash(source);
  };
  list.addEventListener("click", go);
  list.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") go(event);
  });
}

/** On a touch screen there is no hovering: a long press shows what can be done with a bubble. */
function openOnLongPress(list) {
  let timer = 0;
  const end = () => clearTimeout(timer);
  list.addEventListener("pointerdown", (event) => {
    for (const other of list.querySelectorAll(".acting")) {
      if (!other.contains(event.target)) other.classList.remove("acting");
    }
    if (event.pointerType !== "touch") return;
    const item = event.target.closest("li[data-id]");
    if (item) timer = setTimeout(() => item.classList.add("acting"), LONG_PRESS_MS);
  });
  for (const kind of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(kind, end);
}
