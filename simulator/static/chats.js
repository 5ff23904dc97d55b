// The left side: the members that are played, and the conversations of the one who is.
import { avatar, byId, element } from "./dom.js";
import { author, conversations, corp, unreadOf } from "./store.js";
import { preview, shortTime } from "./words.js";

/** Draw the members; `choose(userid)` is called when another is to be played. */
export function drawMembers(me, choose) {
  const focused = document.activeElement?.dataset.member;
  byId("members").replaceChildren(...corp().members.map(({ userid, name, role }) => {
    const button = element("button", "", "member-button");
    button.type = "button";
    button.dataset.member = userid;
    button.setAttribute("aria-pressed", String(userid === me));
    const unread = userid === me ? 0 : unreadOf(userid);
    button.title = `以${name}${role ? `（${role}）` : ""}的身份聊天`;
    const words = element("span", "", "member-words");
    words.append(element("span", name, "member-name"), element("span", role, "member-role"));
    button.append(withBadge(avatar(userid, name), unread), words);
    button.addEventListener("click", () => choose(userid));
    return button;
  }));
  if (focused) byId("members").querySelector(`[data-member="${CSS.escape(focused)}"]`)?.focus();
}

/** Draw the conversations of `me`; `open(key)` is called when one is chosen. */
export function drawChats(me, openKey, open) {
  const focused = document.activeElement?.dataset.key;
  const found = conversations(me);
  byId("chats").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    const button = element("button", "", "chat-button");
    button.type = "button";
    button.dataset.key = one.key;
    if (one.key === openKey) button.setAttribute("aria-current", "true");
    const words = element("span", "", "chat-words");
    const top = element("span", "", "chat-top");
    top.append(element("span", one.name, "chat-name"), element("span", one.last ? shortTime(one.last.at) : "", "chat-time"));
    words.append(top, element("span", lastLine(one, me), "chat-last"));
    const face = avatar(one.key, one.name, one.kind === "group" ? "group" : one.peer.kind);
    button.append(withBadge(face, one.key === openKey ? 0 : one.unread), words);
    button.addEventListener("click", () => open(one.key));
    item.append(button);
    return item;
  }));
  if (focused) byId("chats").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  const elsewhere = found.reduce((sum, one) => sum + (one.key === openKey ? 0 : one.unread), 0);
  byId("back-count").textContent = elsewhere || "";
}

function lastLine({ last, kind, peer, members }, me) {
  if (!last) return kind === "group" ? `${members.length} 位成员${peer ? `和 ${peer.name}` : ""}` : kindOf(peer);
  if (kind !== "group" || (last.via === "member" && last.member === me)) return preview(last);
  return `${author(last).name}：${preview(last)}`;
}

/** What kind of account a peer is. */
export const kindOf = (peer) => (peer.kind === "bot" ? "智能机器人" : "自建应用");

function withBadge(face, unread) {
  const holder = element("span", "", "face");
  holder.append(face);
  if (unread) {
    const badge = element("span", unread > 99 ? "99+" : String(unread), "badge");
    badge.append(element("span", " 条未读", "unseen"));
    holder.append(badge);
  }
  return holder;
}
