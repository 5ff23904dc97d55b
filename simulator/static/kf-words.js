// What customer service is called on the page: states of a session, events in a chat, reasons why a message failed.

export const STATES = ["新会话", "智能助手接待", "待接入", "人工接待", "已结束"];

const FAILURES = {
  0: "原因不明", 1: "账号已删除", 2: "应用已关闭", 4: "超过 48 小时", 5: "会话已关闭", 6: "超过五条", 8: "企业未认证",
  10: "客户拒收", 11: "没有成员登录过", 12: "类型被禁止", 13: "安全限制",
};
const MOVES = ["", "机器人接手了会话", "机器人把会话放进待接入池", "机器人把会话转给了", "机器人结束了会话"];

/** Why a message never reached the customer. */
export const failure = (type) => FAILURES[type] ?? `原因 ${type}`;

/** A line of the chat about the session, empty where there is nothing to tell; `nameOf(userid)` names a servicer. */
export function eventWords({ content, fields }, customer, nameOf) {
  const [old, fresh] = [nameOf(fields.old_servicer_userid), nameOf(fields.new_servicer_userid)];
  switch (content) {
    case "enter_session":
      return `${customer}打开了会话${fields.scene ? `（场景 ${fields.scene}）` : ""}${fields.welcome_code ? " · 有欢迎语 code" : ""}`;
    case "session_moved":
      return `${MOVES[fields.state]}${fields.state === 3 ? nameOf(fields.servicer_userid) : ""}`;
    case "session_status_change":
      return ["", `${fresh}接入了会话`, `${old}把会话转给了${fresh}`, `${old}结束了会话`, `${fresh}重新接入了会话`][fields.change_type];
    case "msg_send_fail":
      return `平台通知：有一条没有送达（${failure(fields.fail_type)}）`;
    case "reject_customer_msg_switch_change":
      return `${nameOf(fields.servicer_userid)}${fields.reject_switch ? "不再接收" : "重新接收"}这位客户的消息`;
    default:
      return "";
  }
}

/** Whether the entry says to the customer, too, that the session is over. */
export const isEnd = ({ content, fields }) =>
  (content === "session_moved" && fields.state === 4) || (content === "session_status_change" && fields.change_type === 3);
