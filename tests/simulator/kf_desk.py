"""Customer service around a simulator under test: its customers, its servicers, and the app behind the bell."""

import json
from typing import Any

import requests
from defusedxml.ElementTree import fromstring

from simulator.platform import Platform
from simulator.server import SimulatorServer
from simulator.settings import KfAccount, KfCustomer, KfSettings, Member, Settings
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, Clock, Received, Simulator

KF = "wkAccountOfTheTests"
OTHER_KF = "wkAnotherAccount"
CHEN = "wmChenOfTheTests"
LIN = "wmLinOfTheTests"
KF_SECRET = "kf-secret-of-the-tests"


def kf_settings(kf_url: str, app_url: str = "", *, secret: str = KF_SECRET) -> Settings:
    """A corp with customer service called at ``kf_url``: two accounts, the first with servicers; two customers. With
    ``app_url`` it has an app too."""
    app: dict[str, Any] = {
        "agent_id": AGENT_ID,
        "secret": SECRET,
        "token": TOKEN,
        "encoding_aes_key": AES_KEY,
        "callback_url": app_url,
    }
    return Settings(
        corp_id=CORP_ID,
        members=tuple(map(Member.parse, ("li.na:李娜:人工客服", "zhang.wei:张伟:管理员", "wang.fang:王芳:医生"))),
        kf=KfSettings(
            callback_url=kf_url,
            token=TOKEN,
            encoding_aes_key=AES_KEY,
            secret=secret,
            accounts=(KfAccount.parse(f"{KF}:影像学院客服:li.na,zhang.wei"), KfAccount.parse(f"{OTHER_KF}:设备客服")),
            customers=(KfCustomer.parse(f"{CHEN}:陈医生:unionOfChen"), KfCustomer.parse(f"{LIN}:小林")),
        ),
        examples=("示例问题一？",),
        **(app if app_url else {}),
    )


def serve_kf(settings: Settings, clock: Clock) -> SimulatorServer:
    """A server, not yet running."""
    return SimulatorServer(Platform(settings, clock=clock))


class Desk(Simulator):
    """A running simulator with customer service: what customers and servicers do, and what the app calls."""

    secret = KF_SECRET

    def enters(self, customer: str = CHEN, **more: Any) -> dict[str, Any]:
        """A customer opens the chat."""
        return self.call("POST", "/_sim/kf/enter", customer=customer, **more)

    def writes(self, content: str = "你好", customer: str = CHEN, **more: Any) -> dict[str, Any]:
        """A customer or, with ``servicer``, a servicer writes."""
        return self.call("POST", "/_sim/kf/messages", customer=customer, content=content, **more)

    def acts(self, act: str, servicer: str = "li.na", customer: str = CHEN, **more: Any) -> dict[str, Any]:
        """A servicer changes a session by hand."""
        return self.call("POST", "/_sim/kf/session", customer=customer, servicer=servicer, act=act, **more)

    def token(self) -> str:
        """An access token for customer service."""
        token: str = self.get("/cgi-bin/gettoken", corpid=CORP_ID, corpsecret=self.secret)["access_token"]
        return token

    def kf(self, name: str, /, *, access_token: str | None = None, **body: Any) -> dict[str, Any]:
        """The answer to ``/cgi-bin/kf/<name>``, about the first account if ``body`` names none."""
        query = {"access_token": self.token() if access_token is None else access_token}
        raw = json.dumps({"open_kfid": KF, **body}, ensure_ascii=False).encode()
        url = f"{self.url}/cgi-bin/kf/{name}"
        answer: dict[str, Any] = requests.post(url, params=query, data=raw, timeout=10).json()
        return answer

    def sends(self, content: str = "答", customer: str = CHEN, **body: Any) -> dict[str, Any]:
        """The answer to send_msg of a text, or of what ``body`` says instead."""
        return self.kf("send_msg", **{"touser": customer, "msgtype": "text", "text": {"content": content}, **body})

    def answers_event(self, code: str, **body: Any) -> dict[str, Any]:
        """The answer to send_msg_on_event of a text, or of what ``body`` says instead."""
        return self.kf("send_msg_on_event", **{"code": code, "msgtype": "text", "text": {"content": "欢迎"}, **body})

    def moves(self, state: object, customer: str = CHEN, **more: Any) -> dict[str, Any]:
        """The answer to service_state/trans."""
        return self.kf("service_state/trans", external_userid=customer, service_state=state, **more)

    def state(self, customer: str = CHEN) -> tuple[int, str]:
        """What service_state/get says."""
        answer = self.kf("service_state/get", external_userid=customer)
        assert answer["errcode"] == 0, answer
        return answer["service_state"], answer["servicer_userid"]

    def pulls(self, cursor: str = "", **body: Any) -> list[dict[str, Any]]:
        """All messages from ``cursor`` on, page by page, as a right client reads them."""
        found = []
        while True:
            page = self.kf("sync_msg", cursor=cursor, **body)
            assert page["errcode"] == 0, page
            found += page["msg_list"]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return found

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """The events of one type in the stream."""
        events = [message["event"] for message in self.pulls() if message["msgtype"] == "event"]
        return [event for event in events if event["event_type"] == event_type]

    def kf_entries(self, customer: str = CHEN, **query: Any) -> list[dict[str, Any]]:
        """The chat of a customer, oldest first."""
        found: list[dict[str, Any]] = self.get("/_sim/kf/messages", customer=customer, **query)["messages"]
        return found

    def reached(self, customer: str = CHEN) -> list[str]:
        """The words that reached a customer, in order."""
        entries = self.kf_entries(customer)
        arrived = [one for one in entries if one["via"] in ("send", "event", "servicer")]
        return [one["content"] for one in arrived if "fail_type" not in one["fields"]]


def bell_fields(received: Received) -> dict[str, str]:
    """What a bell says."""
    return {child.tag: child.text or "" for child in fromstring(received.plain)}
