"""The corp's people: its members and the groups they are in, which can grow while the simulator runs."""

import threading

from simulator.entries import Entry
from simulator.posting import Overloaded
from simulator.settings import MAX_GROUPS, MAX_MEMBERS, Group, Member, Settings, SettingsError


class Corp:
    """Members by userid and groups by chatid. Both are read without a lock and changed under one."""

    def __init__(self, settings: Settings) -> None:
        self.members = {member.userid: member for member in settings.members}
        self.groups = {group.chatid: group for group in settings.groups}
        self._lock = threading.Lock()

    def add_member(self, member: Member) -> None:
        """Let ``member`` join, or change name and role. Raises :class:`Overloaded` in a full corp."""
        with self._lock:
            if len(self.members) >= MAX_MEMBERS and member.userid not in self.members:
                raise Overloaded
            self.members[member.userid] = member

    def add_group(self, group: Group) -> None:
        """Make ``group``, or change its name and members.

        Raises :class:`Overloaded` where there are too many, :class:`SettingsError` where a member is none.
        """
        with self._lock:
            strangers = [userid for userid in group.members if userid not in self.members]
            if strangers:
                raise SettingsError([f"group {group.chatid} has no such members: {', '.join(strangers)}"])
            if len(self.groups) >= MAX_GROUPS and group.chatid not in self.groups:
                raise Overloaded
            self.groups[group.chatid] = group

    def is_in(self, member: str, chatid: str) -> bool:
        """Whether ``member`` is in the group."""
        group = self.groups.get(chatid)
        return group is not None and member in group.members

    def sees(self, member: str, entry: Entry) -> bool:
        """Whether ``entry`` stands in a chat of ``member``."""
        return self.is_in(member, entry.chat) if entry.chat else entry.member == member

    def groups_of(self, member: str) -> list[Group]:
        """The groups that ``member`` is in."""
        return [group for group in list(self.groups.values()) if member in group.members]
