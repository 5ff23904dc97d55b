"""Limits that count: text in bytes, messages a member, calls an API (rules 17, 18, 19)."""

from collections import deque

_MINUTE_S = 60.0
_HOUR_S = 3600.0


def cut_utf8(text: str, limit: int) -> tuple[str, bool]:
    """``text`` cut to at most ``limit`` bytes of UTF-8 on a character border, and whether it was cut (rule 17)."""
    raw = text.encode()
    if len(raw) <= limit:
        return text, False
    return raw[:limit].decode(errors="ignore"), True


def day_in_shanghai(now: float) -> int:
    """The number of the calendar day at ``now`` (epoch seconds) in Asia/Shanghai, UTC+8 all year."""
    return int((now + 8 * _HOUR_S) // (24 * _HOUR_S))


class MemberRate:
    """Messages one member got lately (rule 18): sliding windows of a minute and an hour over what was delivered."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def take(self, now: float, *, per_minute: int, per_hour: int) -> bool:
        """Whether one more message is delivered at ``now``; if so, it counts."""
        while self._times and self._times[0] <= now - _HOUR_S:
            self._times.popleft()
        in_minute = 0
        for at in reversed(self._times):
            if at <= now - _MINUTE_S or in_minute >= per_minute:
                break
            in_minute += 1
        if in_minute >= per_minute or len(self._times) >= per_hour:
            return False
        self._times.append(now)
        return True


class Quota:
    """A count in a fixed window; going over it blocks for ``block_s`` seconds (§2.10)."""

    def __init__(self, period_s: float, block_s: float) -> None:
        self._period_s = period_s
        self._block_s = block_s
        self._window_began = float("-inf")
        self._count = 0
        self._blocked_until = float("-inf")

    def take(self, now: float, limit: int) -> bool:
        """Whether one more call is answered at ``now``."""
        if now < self._blocked_until:
            return False
        if now - self._window_began >= self._period_s:
            self._window_began = now
            self._count = 0
        self._count += 1
        if self._count > limit:
            self._blocked_until = now + self._block_s
            return False
        return True


class ApiRate:
    """Calls of one API, by minute and by hour (rule 19)."""

    def __init__(self) -> None:
        self._minute = Quota(_MINUTE_S, _MINUTE_S)
        self._hour = Quota(_HOUR_S, _HOUR_S)

    def take(self, now: float, *, per_minute: int, per_hour: int) -> bool:
        """Whether one more call is answered at ``now``."""
        return self._minute.take(now, per_minute) and self._hour.take(now, per_hour)


class DayQuota:
    """Person-times in a calendar day of the corp (rule 19: blocked until midnight)."""

    def __init__(self) -> None:
        self._day = -1
        self._used = 0

    def take(self, now: float, wanted: int, limit: int) -> bool:
        """Whether ``wanted`` more person-times fit into today's ``limit``; if so, they count."""
        day = day_in_shanghai(now)
        if day != self._day:
            self._day, self._used = day, 0
        if self._used + wanted > limit:
            return False
        self._used += wanted
        return True
