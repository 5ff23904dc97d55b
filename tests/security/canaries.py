"""Recognisable secrets for every setting that holds one, and the places where none of them may be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MARK = "Kanari"
"""Stands in every secret of these tests, so that one search finds them all."""
BOT_SECRETS = {
    "APP_SECRET": "Kanari-app-secret-aaaaaaaaaaaa",
    "APP_TOKEN": "KanariAppTokenBBBB",
    "APP_KEY": "KanariAppKey" + "c" * 31,
    "ROBOT_TOKEN": "KanariRobotTokenDD",
    "ROBOT_KEY": "KanariRobotKey" + "e" * 29,
}
SETTINGS = {
    "SECRET_KEY": "Kanari-secret-key-" + "f" * 20,
    "AUDIT_KEY": "Kanari-audit-key-" + "g" * 20,
    "CASE_KEY": "Kanari-case-key-" + "h" * 20,
    "OPENAI_API_KEY": "sk-Kanari-openai",
    "QDRANT_API_KEY": "Kanari-qdrant",
    "SPEECH_API_KEY": "sk-Kanari-speech",
}
BOTS = """\
bots:
  imaging:
    name: 影像学院小助手
    tenant: academy
    knowledge: [imaging]
    admins: [zhang.wei]
    servicers: [li.na]
    safety: {email: [pv@example.com], products: [示影灵]}
    channels:
      app:
        type: wecom-app
        corp_id: wwdemo00000000cafe
        agent_id: 1000002
        secret: ${APP_SECRET}
        token: ${APP_TOKEN}
        encoding_aes_key: %(APP_KEY)s
      ai:
        type: wecom-aibot
        token: %(ROBOT_TOKEN)s
        encoding_aes_key: ${ROBOT_KEY}
        plain_userids: true
"""
"""Some secrets stand in the file, others come from the environment."""

_TOKEN_OF_A_CALL = re.compile(rb"access_token=(?!\*)[^&\s\"']+")


def bots_yaml() -> str:
    """A right file."""
    return BOTS % BOT_SECRETS


def all_values_wrong() -> str:
    """A file in which secrets stand where they must not, or have not the shape that they must have."""
    right, app, robot = bots_yaml(), BOT_SECRETS["APP_KEY"], BOT_SECRETS["ROBOT_TOKEN"]
    return (
        right.replace(f"encoding_aes_key: {app}", f"encodingaeskey: {app}")
        .replace("agent_id: 1000002", f"agent_id: {robot}")
        .replace("corp_id: wwdemo00000000cafe", "corp_id: ${APP_SECRET}!")
        .replace(f"token: {robot}", f"token: [{robot}]")
        .replace("${ROBOT_KEY}", f"${{ROBOT_KEY}}{app}")
        .replace("plain_userids: true", f"plain_userids: {robot}")
    )


def not_yaml() -> str:
    """A file that ends in the middle of a secret."""
    robot = BOT_SECRETS["ROBOT_TOKEN"]
    return bots_yaml().replace(f"token: {robot}", f"token: '{robot}")


@dataclass
class Told:
    """What was said, by where it was said."""

    said: dict[str, bytes] = field(default_factory=dict)

    def add(self, where: str, *said: str | bytes) -> None:
        """``said`` could be read at ``where``."""
        parts = (part.encode() if isinstance(part, str) else part for part in said)
        self.said[where] = b"\n".join((self.said.get(where, b""), *parts))

    def add_files(self, folder: Path) -> None:
        """Every file below ``folder``."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.add(str(path), path.read_bytes())

    def leaks(self) -> Mapping[str, list[bytes]]:
        """What can be read of secrets, with what stands around it, by where that is."""
        found: dict[str, list[bytes]] = {}
        for where, text in self.said.items():
            places = [hit.start() for hit in re.finditer(MARK.encode(), text)]
            around = [text[max(0, place - 80) : place + 40] for place in places]
            around += _TOKEN_OF_A_CALL.findall(text)
            if around:
                found[where] = around[:3]
        return found
