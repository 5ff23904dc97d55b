// Words about entries: what kind they are, how their delivery went, when they came.

const KINDS = {
  image: "图片", voice: "语音", video: "视频", location: "位置", link: "链接", file: "文件",
  mixed: "图文", template_card: "卡片", stream: "回答", textcard: "卡片", news: "图文", mpnews: "图文",
  miniprogram_notice: "小程序通知", msgmenu: "菜单", miniprogram: "小程序", business_card: "名片", channels: "视频号",
};
const ERRORS = {
  timeout: "没有按时回答", connection: "连接不上", bad_http: "回答看不懂", body: "没有原样解出内容",
};
const EVENTS = {
  enter_agent: "进入了应用", enter_chat: "打开了会话", subscribe: "成为应用成员", unsubscribe: "离开了应用",
  click: "点了菜单", view: "点了菜单里的链接", LOCATION: "上报了位置", scancode_waitmsg: "扫了码", scancode_push: "扫了码",
  location_select: "选了位置", pic_photo_or_album: "选了照片", template_card_event: "点了卡片",
  template_card_menu_event: "用了卡片的菜单", feedback_event: "评价了回答",
};

/** `[图片]` and the like, for what is no text. */
export const kindName = (type) => `[${KINDS[type] ?? type}]`;

/** An event as people would tell it. */
export const eventName = (event) => EVENTS[event] ?? `事件 ${event}`;

/** Why a callback or a URL check failed. */
export const reason = ({ error, status }) => (error === "status" ? `HTTP ${status}` : ERRORS[error] ?? error);

/** One line of an entry, without marks, for lists and quotes. */
export function preview({ type, content, via, upload, recalled }) {
  if (type === "event" && via === "member") return eventName(content);
  if (recalled) return "撤回了一条消息";
  if (upload) return `${kindName(type)} ${upload.name ?? ""}${content ? ` ${content}` : ""}`.trim();
  if (!["text", "markdown", "stream", "mixed"].includes(type)) return `${kindName(type)} ${content.split("\n")[0]}`.trim();
  return content
    .replace(/<think>.*?(<\/think>|$)/gs, "")
    .replace(/<a\s+href="[^"]*"\s*>(.*?)<\/a>/gis, "$1")
    .replace(/!?\[([^\]]+)\]\([^()\s]*\)/g, "$1")
    .replace(/<font color="[a-z]*">|<\/font>|\*\*|`|^\s*(#{1,6}|>|[-*+])\s+/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** How a member's message fares on its way to the bot: `state` is busy, done or bad. */
export function deliveryWords({ state, attempts, status, ms, error }) {
  const why = error ? `（${reason({ error, status })}）` : "";
  const again = Math.max(attempts - 1, error ? 1 : 0);
  switch (state) {
    case "delivered":
      return { state: "done", text: `已送达${attempts > 1 ? ` · 重试 ${attempts - 1} 次` : ""} · ${Math.round(ms)} ms` };
    case "delivering":
      return again ? { state: "bad", text: `重试 ${again} 次…${why}` } : { state: "busy", text: "发送中…" };
    case "failed":
      return { state: "bad", text: `失败，试了 ${attempts} 次${why}` };
    case "dropped":
      return { state: "bad", text: "平台把它弄丢了（故障：丢弃）" };
    case "held":
      return { state: "bad", text: "平台先扣着它，等下一条先走" };
    case "refused":
      return { state: "bad", text: "平台没有收：前面的消息还没答完" };
    default:
      return { state: "busy", text: "等待发送…" };
  }
}

/** 09:05 */
export const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** 今天, 昨天, 3月5日, 2025年3月5日 */
export function day(at) {
  const when = new Date(at * 1000);
  const now = new Date();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (when.toDateString() === now.toDateString()) return "今天";
  if (when.toDateString() === yesterday.toDateString()) return "昨天";
  const date = `${when.getMonth() + 1}月${when.getDate()}日`;
  return when.getFullYear() === now.getFullYear() ? date : `${when.getFullYear()}年${date}`;
}

/** What a list shows: the clock today, else the day. */
export const shortTime = (at) => (day(at) === "今天" ? clock(at) : day(at));
