// Pictures, videos, voices and files in bubbles. The page loads nothing from elsewhere: a picture of the web is a link.
import { element, icon } from "./dom.js";
import { link } from "./render.js";
import { kindName } from "./words.js";

const OURS = /^\/media\/[\w-]+$/; // a permanent picture of media/uploadimg, wherever the simulator is reached

const pathOf = (id) => `/_sim/uploads/${encodeURIComponent(id)}`;

/** What an entry's upload shows: a picture, a player, or a row to save it by. */
export function drawUpload({ upload, type }) {
  if (upload.content_type.startsWith("image/")) return drawPicture(upload.id, upload.name);
  if (upload.content_type === "video/mp4") return drawVideo(upload);
  return drawFile(upload, type);
}

/** A thumbnail that opens the whole picture. */
export function drawPicture(id, name) {
  const node = element("a", "", "picture");
  node.href = pathOf(id);
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  node.append(image(node.href, name || "图片"));
  return node;
}

/** An uploaded picture in a frame of `ratio`. */
export const frameUpload = (id, ratio) => framed(ratio, image(pathOf(id), ""));

/** The picture at `url` in a frame of `ratio` (width by height); from elsewhere it is only named. */
export function drawImage(url, ratio = 1.3) {
  const path = pathIfOurs(url);
  if (path) return framed(ratio, image(path, ""));
  const frame = framed(ratio, icon("image"));
  frame.title = url;
  if (ratio > 1) frame.append(url ? link(url, hostOf(url)) : "没有图片");
  return frame;
}

function framed(ratio, node) {
  const frame = element("div", "", "image");
  frame.style.aspectRatio = String(ratio);
  frame.append(node);
  return frame;
}

/** The path of one of our own links, or nothing. */
function pathIfOurs(url) {
  try {
    const { pathname } = new URL(url);
    return OURS.test(pathname) ? pathname : "";
  } catch {
    return "";
  }
}

function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

function image(path, name) {
  const node = document.createElement("img");
  node.src = path;
  node.alt = name;
  return node;
}

function drawVideo({ id, name }) {
  const node = element("video", "", "video");
  node.src = pathOf(id);
  node.controls = true;
  node.preload = "metadata";
  node.setAttribute("aria-label", name || "视频");
  return node;
}

/** A browser cannot play AMR: a voice is a row too. */
function drawFile({ id, name, content_type: contentType, size }, type) {
  const isVoice = type === "voice";
  const node = element("a", "", "file");
  node.href = pathOf(id);
  node.download = name;
  const words = element("span");
  const what = isVoice ? (contentType === "audio/amr" ? "AMR，浏览器放不了" : "不是 AMR") : "";
  words.append(element("b", isVoice ? "语音消息" : name || kindName(type)), element("small", [what, sizeOf(size)].filter(Boolean).join(" · ")));
  node.title = `下载 ${name}`;
  node.append(icon(isVoice ? "voice" : "file"), words, icon("save"));
  return node;
}

const sizeOf = (bytes) => {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
};
