"""Who meets whom: accounts of customer service, their servicers, and WeChat customers (§6.8)."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.errcodes import ApiError
from simulator.settings import KfCustomer, KfSettings, is_open_kfid

MAX_ACCOUNTS = 200
MAX_CUSTOMERS = 5000

StopType = Literal[0, 1]
"""Why a servicer does not serve: stopped, or away for a moment."""


@dataclass(kw_only=True, slots=True)
class Servicer:
    """A member who serves customers of one account by hand."""

    userid: str
    is_serving: bool = True
    stop_type: StopType = 0

    def to_json(self) -> dict[str, Any]:
        """As ``servicer/list`` says it: status 0 serves, 1 does not."""
        stopped = {} if self.is_serving else {"stop_type": self.stop_type}
        return {"userid": self.userid, "status": 0 if self.is_serving else 1, **stopped}


@dataclass(kw_only=True, slots=True)
class Account:
    """An account; ``is_managed`` says that the API may use it (``manage_privilege``)."""

    open_kfid: str
    name: str
    avatar: str = ""
    is_managed: bool = True
    servicers: dict[str, Servicer] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``account/list`` says it."""
        return {
            "open_kfid": self.open_kfid,
            "name": self.name,
            "avatar": self.avatar,
            "manage_privilege": self.is_managed,
        }


@dataclass(kw_only=True, slots=True)
class Customer:
    """A WeChat user; ``refuses`` says that the user takes no messages of the corp."""

    external_userid: str
    nickname: str
    unionid: str = ""
    gender: int = 0
    avatar: str = ""
    refuses: bool = False

    def to_json(self) -> dict[str, Any]:
        """As ``customer/batchget`` says it; an unbound ``unionid`` is left out."""
        unionid = {"unionid": self.unionid} if self.unionid else {}
        names = ("external_userid", "nickname", "avatar", "gender")
        return {**{name: getattr(self, name) for name in names}, **unionid}


class People:
    """Accounts by open_kfid and customers by external_userid. To be used under the lock of :class:`Kf`."""

    def __init__(self, settings: KfSettings) -> None:
        self.accounts = {
            one.open_kfid: Account(
                open_kfid=one.open_kfid,
                name=one.name,
                servicers={userid: Servicer(userid=userid) for userid in one.servicers},
            )
            for one in settings.accounts
        }
        self.customers: dict[str, Customer] = {}
        for customer in settings.customers:
            self.add_customer(customer)

    def add_customer(self, new: KfCustomer) -> Customer:
        """Let somebody be known, or change nickname and unionid."""
        known = self.customers.get(new.external_userid)
        if known is None:
            known = Customer(external_userid=new.external_userid, nickname=new.nickname, unionid=new.unionid)
            self.customers[new.external_userid] = known
        known.nickname, known.unionid = new.nickname, new.unionid
        return known

    def add_account(self, name: str, avatar: str) -> Account:
        """A new account with no servicers."""
        account = Account(open_kfid=f"wk{secrets.token_urlsafe(22)}", name=name, avatar=avatar)
        self.accounts[account.open_kfid] = account
        return account

    def account(self, open_kfid: object) -> Account:
        """The account with that id. Raises :class:`ApiError` 95000 (no such ids), 95004 (unknown), 95017 (not the
        API's)."""
        if not isinstance(open_kfid, str) or not is_open_kfid(open_kfid):
            raise ApiError(95000, None)
        account = self.accounts.get(open_kfid)
        if account is None:
            raise ApiError(95004, None)
        if not account.is_managed:
            raise ApiError(95017, None)
        return account

    def customer(self, external_userid: object) -> Customer:
        """The customer with that id. Raises :class:`ApiError` 40096."""
        customer = self.customers.get(external_userid) if isinstance(external_userid, str) else None
        if customer is None:
            raise ApiError(40096, None)
        return customer
