// What the page knows: the corp, everybody's entries by conversation, and how far each member has read.

const KEPT = 400; // entries kept of one conversation
const READ = "simulator.read"; // in localStorage: {run, upTo: {"member|key": entry id}}

let config = { peers: [], members: [], groups: [], examples: [], rules: [] };
let entries = new Map(); // place -> Map(entry id -> entry)
let read = { run: "", upTo: {} };

/** A conversation's place: a group is one for all its members, a single chat is each member's own. */
const placeOf = (userid, key) => (key.startsWith("group/") ? key : `${userid}|${key}`);
const keyOf = (entry) => (entry.chat ? `group/${entry.chat}` : entry.peer);

export const setConfig = (fresh) => { config = fresh; };
export const corp = () => config;
export const memberOf = (userid) => config.members.find((one) => one.userid === userid);
export const peerOf = (id) => config.peers.find((one) => one.id === id);
/** The account that answers in groups. */
export const groupPeer = () => config.peers.find((one) => one.kind === "bot");

/** Forget all entries; what was read is remembered as long as the simulator's `run` stays the same. */
export function begin(run) {
  entries = new Map();
  const saved = JSON.parse(localStorage.getItem(READ) ?? "null");
  read = saved?.run === run ? saved : { run, upTo: {} };
}

/** Take entries in. Returns those that are new. */
export function take(found) {
  const fresh = [];
  for (const entry of found) {
    const place = placeOf(entry.member, keyOf(entry));
    if (!entries.has(place)) entries.set(place, new Map());
    const here = entries.get(place);
    if (!here.has(entry.id)) fresh.push(entry);
    here.set(entry.id, entry);
    if (here.size > KEPT) here.delete(here.keys().next().value);
  }
  return fresh;
}

/** Whether `entry` is in a chat that this page has not heard of yet. */
export const isUnknown = (entry) =>
  !peerOf(entry.peer) || !memberOf(entry.member) || (entry.chat && !config.groups.some((one) => one.chatid === entry.chat));

/** The entries of one conversation, oldest first. */
export const entriesIn = (userid, key) => [...(entries.get(placeOf(userid, key))?.values() ?? [])];

/** Who can see `entry`. */
export const audience = (entry) =>
  entry.chat ? config.groups.find((one) => one.chatid === entry.chat)?.members ?? [] : [entry.member];

export { keyOf };

/** All conversations of a member, the one with the latest entry first. */
export function conversations(userid) {
  const singles = config.peers.map((peer) => ({
    key: peer.id, kind: "single", peer, chat: "", name: peer.name, members: [userid],
  }));
  const groups = config.groups.filter((one) => one.members.includes(userid)).map((one) => ({
    key: `group/${one.chatid}`, kind: "group", peer: groupPeer(), chat: one.chatid, name: one.name, members: one.members,
  }));
  return [...singles, ...groups]
    .map((one) => ({ ...one, last: entriesIn(userid, one.key).at(-1) ?? null, unread: unreadIn(userid, one.key) }))
    .sort((one, other) => (other.last?.at ?? 0) - (one.last?.at ?? 0));
}

/** The names that can be mentioned in a conversation: in a group, all. */
export const mentionable = ({ kind, peer, members }) =>
  kind === "group" ? [peer?.name, ...members.map((userid) => memberOf(userid)?.name)].filter(Boolean) : [];

/** The newest entry that a member has read in a conversation, 0 for none. */
export const readUpTo = (userid, key) => read.upTo[`${userid}|${key}`] ?? 0;

const isOwn = (entry, userid) => entry.via === "member" && entry.member === userid;

function unreadIn(userid, key) {
  return entriesIn(userid, key).filter((entry) => entry.id > readUpTo(userid, key) && !isOwn(entry, userid)).length;
}

export const unreadOf = (userid) => conversations(userid).reduce((sum, one) => sum + one.unread, 0);

/** A member has seen everything in a conversation. */
export function markRead(userid, key) {
  const newest = entriesIn(userid, key).at(-1)?.id ?? 0;
  if (newest <= readUpTo(userid, key)) return;
  read.upTo[`${userid}|${key}`] = newest;
  localStorage.setItem(READ, JSON.stringify(read));
}

/** Who wrote `entry`: id, name, and kind app, bot or member. */
export function author(entry) {
  if (entry.fields.author) return { id: entry.fields.author, name: entry.fields.author, kind: "bot" };
  if (entry.via !== "member") return peerOf(entry.peer);
  return { id: entry.member, name: memberOf(entry.member)?.name ?? entry.member, kind: "member" };
}
