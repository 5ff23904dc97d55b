// The lower edge of the chat: words, mentions, a quote, pictures and files, and what else a member can do.
import { upload } from "./api.js";
import { byId, element, icon, iconButton } from "./dom.js";
import { createPicker } from "./picker.js";
import { author, corp, memberOf } from "./store.js";
import { preview } from "./words.js";

const MAX_FILES = 9;
const MAX_BYTES = 20 * 1024 * 1024; // what the simulator takes
const AMR_FRAME = 32; // bytes of 20 ms at 12.2 kbit/s
const VOICE_S = 2;
const APP_EXTRAS = [
  ["发语音", { type: "voice", file: silence }],
  ["发位置", { type: "location", fields: { Location_X: "39.90", Location_Y: "116.40", Scale: "15", Label: "北京市", AppType: "wxwork" } }],
  ["发未知类型", { type: "unheard_of", fields: { Something: "new" } }],
  ["进入应用（事件）", { event: "enter_agent" }],
  ["点菜单（事件）", { event: "click", event_key: "help" }],
  ["扫码（事件）", { event: "scancode_waitmsg", event_key: "scan" }],
  ["上报位置（事件）", { event: "LOCATION" }],
];
const BOT_EXTRAS = [
  ["发语音（机器人读到文字）", { type: "voice", content: "碘克沙醇的渗透压是多少" }],
  ["打开会话（事件）", { event: "enter_chat" }],
];

/** A voice in which nobody says anything. */
function silence() {
  const frames = new Uint8Array(AMR_FRAME * 50 * VOICE_S).map((_, at) => (at % AMR_FRAME ? 0 : 0x3c));
  return new File(["#!AMR\n", frames], "语音.amr", { type: "audio/amr" });
}

/** What a file is sent as. */
function typeOf(file, toBot) {
  const [, kind] = /^(image|video)\/(?:png|jpeg|mp4)$/.exec(file.type) ?? [];
  if (kind) return kind;
  return !toBot && /\.amr$/i.test(file.name) ? "voice" : "file"; // a bot reads voices, it does not hear them
}

/** The composer. `post(message, conversation, member)` sends one message and tells whether it went. */
export function createComposer({ post, notify }) {
  const text = byId("text");
  const drafts = new Map(); // "member key" -> words
  let place = "";
  let open = null; // the open conversation
  let me = "";
  let quoted = null;
  let files = []; // {name, type, upload: Promise<{id}>, node}

  const picker = createPicker(text, byId("picker"), () => {
    if (open?.kind !== "group") return [];
    const members = open.members.filter((userid) => userid !== me).map((userid) => ({ id: userid, name: memberOf(userid)?.name ?? userid, kind: "member" }));
    return open.peer ? [{ id: open.peer.id, name: open.peer.name, kind: "bot" }, ...members] : members;
  });

  function fit() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
    byId("send").disabled = !text.value.trim() && !files.length;
  }

  function show(conversation, userid) {
    if (place) drafts.set(place, text.value);
    open = conversation;
    me = userid;
    place = `${userid} ${conversation.key}`;
    text.value = drafts.get(place) ?? "";
    text.placeholder = open.kind === "group" && open.peer ? `@${open.peer.name} 它才会收到` : "说点什么…";
    quote(null);
    dropFiles();
    drawExtras();
    picker.close();
    fit();
  }

  function quote(entry) {
    quoted = entry;
    byId("quote").hidden = !entry;
    if (!entry) return;
    byId("quote-words").replaceChildren(element("b", author(entry).name), ` ${preview(entry)}`);
    text.focus();
  }

  function drawExtras() {
    const extras = open.kind === "group" ? [] : open.peer.kind === "bot" ? BOT_EXTRAS : APP_EXTRAS;
    byId("more").hidden = !extras.length;
    byId("more-menu").replaceChildren(...extras.map(([label, message]) => {
      const button = element("button", label);
      button.type = "button";
      button.addEventListener("click", () => {
        byId("more").open = false;
        postExtra(message);
      });
      return button;
    }));
  }

  async function postExtra({ file, ...message }) {
    const [to, member] = [open, me];
    try {
      post(file ? { ...message, upload: (await upload(file())).id } : message, to, member);
    } catch (error) {
      notify(`没有发出去：${error.message}`);
    }
  }

  function addFiles(chosen) {
    for (const file of chosen) {
      if (files.length === MAX_FILES) return notify(`一次最多 ${MAX_FILES} 个文件`);
      if (file.size > MAX_BYTES) notify(`${file.name} 超过 20 MB，模拟器不收`);
      else if (!file.size) notify(`${file.name} 是空的，模拟器不收`);
      else addFile(file);
    }
    fit();
    text.focus();
    return undefined;
  }

  function addFile(file) {
    const type = typeOf(file, open.peer?.kind === "bot");
    const node = element("li", "", "attachment");
    const drop = () => {
      files = files.filter((one) => one !== item);
      node.remove();
      fit();
    };
    const item = { name: file.name, type, node, upload: upload(file) };
    node.append(icon("file"), element("span", file.name), iconButton("close", `不发 ${file.name}`, drop));
    files.push(item);
    byId("attachments").append(node);
    item.upload.then(({ id }) => {
      if (type !== "image") return;
      const image = document.createElement("img");
      image.src = `/_sim/uploads/${encodeURIComponent(id)}`;
      image.alt = "";
      node.firstChild.replaceWith(image);
    }, (error) => {
      drop();
      notify(`${file.name} 没有传上去：${error.message}`);
    });
  }

  function dropFiles() {
    for (const { node } of files) node.remove();
    files = [];
  }

  /** A picture with words is one message to a bot, as in WeCom; to an app, and with several files, each is its own. */
  async function messages(words, sent, toBot) {
    const uploads = await Promise.all(sent.map((one) => one.upload));
    if (words && sent.length === 1 && sent[0].type === "image" && toBot) return [{ type: "mixed", content: words, upload: uploads[0].id }];
    const each = sent.map(({ type }, at) => ({ type, upload: uploads[at].id }));
    return words ? [...each, { type: "text", content: words }] : each;
  }

  async function submit() {
    const [words, sent, answered, from, to, member] = [text.value.trim(), files, quoted, place, open, me];
    if (!words && !sent.length) return;
    text.value = "";
    files = [];
    byId("attachments").replaceChildren();
    quote(null);
    fit();
    let went = true;
    try {
      for (const message of await messages(words, sent, to.peer?.kind === "bot")) {
        went = (await post({ ...message, ...(answered && { quote: answered.id }) }, to, member)) && went;
      }
    } catch {
      went = false; // the upload that failed has said so already
    }
    if (went || text.value) return;
    if (place === from) text.value = words; // not lost: it can be sent again
    else drafts.set(from, words);
    fit();
  }

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    // While an input method is composing, Enter chooses a word.
    if (event.isComposing || event.keyCode === 229 || picker.key(event)) return;
    if (event.key === "Escape" && quoted) quote(null);
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    addFiles(event.clipboardData.files);
  });
  byId("quote-close").addEventListener("click", () => quote(null));
  byId("attach").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", () => {
    addFiles([...byId("files").files]);
    byId("files").value = "";
  });
  byId("mention").addEventListener("click", () => picker.begin());
  acceptDrops(byId("chat"), addFiles);

  return { show, quote, focus: () => text.focus(), mentioning: () => (open.kind === "group" && open.peer ? `@${open.peer.name} ` : "") };
}

/** Files dropped on `area` go to `take`. */
function acceptDrops(area, take) {
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");
  let inside = 0; // dragenter and dragleave come for each child
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    area.toggleAttribute("data-drop", inside > 0);
  };
  area.addEventListener("dragenter", (event) => hasFiles(event) && mark(1));
  area.addEventListener("dragleave", (event) => hasFiles(event) && mark(-1));
  area.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  area.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(-inside);
    take([...event.dataTransfer.files]);
  });
}

/** The example questions, as chips; `ask(question)` sends one. */
export function drawExamples(node, ask, examples = corp().examples) {
  node.replaceChildren(...examples.map((question) => {
    const chip = element("button", question, "chip");
    chip.type = "button";
    chip.addEventListener("click", () => ask(question));
    return chip;
  }));
}
