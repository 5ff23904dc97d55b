// The side panel's second tab: what can be made to go wrong with one click (simulator/faults.py).
import { call } from "./api.js";
import { byId, element } from "./dom.js";
import { memberOf } from "./store.js";
import { reason } from "./words.js";

const BUSY = -1;
const RATE_LIMIT = 45009;
const HANG_S = 30; // longer than callers wait

/** What a person calls it, what happens, and the fault. */
const CALLBACK_FAULTS = [
  ["重复投递", "同一条同时来两次", { kind: "duplicate" }],
  ["乱序", "扣下一条，等再下一条先走", { kind: "swap" }],
  ["丢弃", "根本不来", { kind: "drop" }],
  ["回答丢失", "做完了，平台没听到，再投一次", { kind: "lose_answer" }],
];
const API_FAULTS = [
  ["系统忙", `errcode ${BUSY}`, { kind: "errcode", errcode: BUSY }],
  ["限频", `errcode ${RATE_LIMIT}`, { kind: "errcode", errcode: RATE_LIMIT }],
  ["超时", `${HANG_S} 秒后才做才答`, { kind: "hang", seconds: HANG_S }],
  ["做完后断线", "做了，却没有回答", { kind: "close_after" }],
  ["做之前断线", "什么也没做", { kind: "close_before" }],
  ["HTTP 500", "什么也没做", { kind: "http_500" }],
];
const DRIP_S = 20;
const DOWNLOAD_FAULTS = [
  ["回 JSON 错误", `errcode ${BUSY}`, { kind: "errcode", errcode: BUSY }],
  ["慢慢滴", `${DRIP_S} 秒才来完`, { kind: "drip", seconds: DRIP_S }],
  ["中途断线", "只来一半", { kind: "cut" }],
  ["长度不对", "说只有一半长", { kind: "wrong_length" }],
  ["HTTP 500", "什么也没有", { kind: "http_500" }],
];
const UPLOAD_FAULTS = [
  ["系统忙", `errcode ${BUSY}`, { kind: "errcode", errcode: BUSY }],
  ["慢慢收", `${DRIP_S} 秒后才读`, { kind: "drip", seconds: DRIP_S }],
  ["中途断线", "只收一半", { kind: "cut" }],
  ["HTTP 500", "什么也没做", { kind: "http_500" }],
];
const POLL_FAULTS = CALLBACK_FAULTS.filter(([, , { kind }]) => kind !== "swap");
const LATE_S = 15;
const BELL_FAULTS = [
  ...CALLBACK_FAULTS, ["迟到", `${LATE_S} 秒后才响`, { kind: "late", seconds: LATE_S }],
  ["Token 已失效", "像是迟了十分钟", { kind: "stale_token" }],
];
const PAGE_FAULTS = [["空页", "一条没有，却说还有", { kind: "empty" }]];
const STREAM_FAULTS = [["乱序", "排到下一条后面", { kind: "swap" }], ["重复", "同一条出现两次", { kind: "duplicate" }]];
const DELIVERY_FAULTS = [
  ["客户拒收", "答复成功，稍后报失败", { kind: "send_fail", fail_type: 10 }],
  ["安全限制", "同上", { kind: "send_fail", fail_type: 13 }],
];
const TARGETS = {
  callback: "应用的回调", "message/send": "应用发消息", gettoken: "应用取令牌", "media/get": "应用取素材",
  "media/upload": "应用传素材", "media/uploadimg": "应用传永久图片", "message/recall": "应用撤回消息",
  "message/update_template_card": "应用更新卡片", media_url: "取媒体链接",
  bot_callback: "机器人的回调", poll: "来取流", response_url: "机器人主动回复",
  "webhook/send": "群机器人发消息", "appchat/send": "应用发群消息",
  kf_callback: "客服的铃声", kf_page: "拉取的页", kf_stream: "消息的次序", kf_delivery: "发给客户的消息", "kf/send_msg": "客服发消息",
  "kf/sync_msg": "客服拉消息",
};

const OF_NOBODY = ["media/upload", "media/get", "media_url", "kf_page", "kf/sync_msg"]; // these calls concern no member

const KNOWN = [CALLBACK_FAULTS, API_FAULTS, DOWNLOAD_FAULTS, UPLOAD_FAULTS, BELL_FAULTS, PAGE_FAULTS, DELIVERY_FAULTS].flat();

/** The tab. `place()` tells the open conversation's peer and who is played (with a `name`, where it is no member); `notify(words)` what came of it. */
export function createFaults(place, notify) {
  async function attempt(act) {
    try {
      await act();
    } catch (error) {
      notify(`模拟器没有照做：${error.message}`);
    }
  }

  function open() {
    const { peer, member, name = memberOf(member).name } = place();
    byId("fault-member").replaceChildren(new Option("所有人", ""), new Option(name, member));
    if (peer) byId("fault-groups").replaceChildren(...GROUPS[peer.kind](), checkGroup(peer));
    attempt(async () => drawArmed((await call("GET", "faults")).faults));
  }

  const botGroups = () => [
    faultGroup("bot_callback", CALLBACK_FAULTS), faultGroup("poll", POLL_FAULTS), faultGroup("response_url", API_FAULTS),
    faultGroup("media_url", DOWNLOAD_FAULTS),
  ];
  const appGroups = () => [
    faultGroup("callback", CALLBACK_FAULTS), faultGroup("message/send", API_FAULTS), tokenGroup(),
    faultGroup("message/update_template_card", API_FAULTS), faultGroup("media/upload", UPLOAD_FAULTS),
    faultGroup("media/get", DOWNLOAD_FAULTS),
  ];
  const kfGroups = () => [
    faultGroup("kf_callback", BELL_FAULTS), faultGroup("kf_page", PAGE_FAULTS), faultGroup("kf_stream", STREAM_FAULTS),
    faultGroup("kf_delivery", DELIVERY_FAULTS), faultGroup("kf/send_msg", API_FAULTS), faultGroup("kf/sync_msg", API_FAULTS), tokenGroup(),
  ];
  const GROUPS = { app: appGroups, bot: botGroups, kf: kfGroups };

  const faultGroup = (on, faults) => group(TARGETS[on], ...faults.map(([label, hint, fault]) => button(label, hint, async () => {
    const times = Number(byId("fault-times").value);
    const member = OF_NOBODY.includes(on) ? "" : byId("fault-member").value;
    drawArmed((await call("POST", "faults", { on, times, member, ...fault })).faults);
  })));

  const tokenGroup = () => group("令牌", killButton("令牌过期", "errcode 42001", "expired"), killButton("令牌作废", "errcode 40014", "revoked"));

  const killButton = (label, hint, how) => button(label, hint, async () => {
    const { killed } = await call("POST", "tokens/kill", { how });
    notify(killed ? `${label}：下一次调用就会知道` : "现在没有有效的令牌");
  });

  const checkGroup = (peer) => group("回调地址", button("检查回调地址", "发一次验证请求（规则 1）", async () => {
    const result = await call("POST", "callback-url", { peer: peer.id });
    const why = reason({ error: result.reason, status: result.status });
    notify(result.ok ? `回调地址通过检查（${Math.round(result.ms)} ms）` : `回调地址没有通过检查：${why}`);
  }));

  function button(label, hint, act) {
    const node = element("button", "", "fault");
    node.type = "button";
    node.append(element("b", label), element("small", hint));
    node.addEventListener("click", () => attempt(act));
    return node;
  }

  byId("faults-clear").addEventListener("click", () => attempt(async () => drawArmed((await call("DELETE", "faults", {})).faults)));
  return { open };
}

function group(title, ...buttons) {
  const node = element("section", "", "fault-group");
  const row = element("div", "", "fault-buttons");
  row.append(...buttons);
  node.append(element("h3", title), row);
  return node;
}

function drawArmed(faults) {
  byId("armed").replaceChildren(...faults.map(({ on, kind, errcode, times, member, fail_type: failType }) => {
    const known = KNOWN.find(([, , one]) => one.kind === kind && (one.errcode ?? 0) === errcode && (one.fail_type ?? 0) === failType);
    const what = known?.[0] ?? `${kind}${errcode ? ` ${errcode}` : ""}`;
    const often = times > 1000 ? "每次" : `×${times}`;
    return element("li", `${TARGETS[on] ?? on}：${what} ${often}${member ? `（${memberOf(member)?.name ?? member}）` : ""}`);
  }));
  byId("armed-empty").hidden = faults.length > 0;
  byId("faults-clear").hidden = faults.length === 0;
}
