"""Which URLs from outside may be asked: the platform's own, over TLS, and the simulator's."""

import pytest
from pydantic import ValidationError

from channels.wecom_aibot.urls import may_ask
from tests.channels.wecom_aibot.conftest import config

SIMULATOR = "http://127.0.0.1:8123"
REAL = "https://qyapi.weixin.qq.com"


@pytest.mark.parametrize(
    ("url", "api_base", "allowed"),
    [
        ("https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=c", REAL, True),
        ("https://other.weixin.qq.com/response", SIMULATOR, True),
        ("https://other.example/response", SIMULATOR, False),
        ("https://evilweixin.qq.com/response", REAL, False),
        ("https://qyapi.weixin.qq.com.evil.example/response", REAL, False),
        ("https://qyapi.weixin.qq.com:8443/response", REAL, False),
        ("https://10.0.0.1/response", REAL, False),
        ("https://[fd00::1]/response", REAL, False),
        ("https://redis.internal:6379/", REAL, False),
        ("http://127.0.0.1:8123/cgi-bin/aibot/response?response_code=c", SIMULATOR, True),
        ("http://127.0.0.1:8124/", SIMULATOR, False),
        ("http://127.0.0.1/", SIMULATOR, False),
        ("http://localhost:8123/", SIMULATOR, False),
        ("http://qyapi.weixin.qq.com/cgi-bin/aibot/response", REAL, False),
        ("http://169.254.169.254/latest/meta-data", SIMULATOR, False),
        ("http://127.0.0.1:8123@169.254.169.254/", SIMULATOR, False),
        ("https://user:word@qyapi.weixin.qq.com/", REAL, False),
        ("https://evil.example\\@qyapi.weixin.qq.com/", REAL, False),
        ("https://evil.example\\.qyapi.weixin.qq.com/", REAL, False),
        ("ftp://127.0.0.1:8123/", SIMULATOR, False),
        ("file:///etc/passwd", SIMULATOR, False),
        ("//127.0.0.1:8123/", SIMULATOR, False),
        ("https://", REAL, False),
        ("https:///path", REAL, False),
        ("https://a.example:99999/", REAL, False),
        ("https://a.example:port/", REAL, False),
        ("https://a.example:0/", REAL, False),
        ("https://[::1/", REAL, False),
        ("https://[::1%25eth0]/", REAL, False),
        ("https://a.example;b/", REAL, False),
        ("https://a.example/ b", REAL, False),
        ("https://a.example/\r\nHost: b", REAL, False),
        ("https://例子.example/", REAL, False),
        ("https://a.example/" + "x" * 4_096, REAL, False),
        ("", REAL, False),
    ],
)
def test_a_reply_goes_to_the_platform_over_tls_or_to_the_simulator_and_nowhere_else(
    url: str, api_base: str, allowed: bool
) -> None:
    assert may_ask(url, config().response_hosts, api_base) is allowed


HOSTS = (".myqcloud.com", "media.example")


@pytest.mark.parametrize(
    ("url", "api_base", "allowed"),
    [
        ("https://ww-aibot-img-1.cos.ap-guangzhou.myqcloud.com/a?sign=1", REAL, True),
        ("https://WW-AIBOT.cos.ap-guangzhou.MYQCLOUD.com:443/a", REAL, True),
        ("https://media.example/a", REAL, True),
        ("https://qyapi.weixin.qq.com/a", REAL, True),
        ("http://127.0.0.1:8123/media/a", SIMULATOR, True),
        ("http://127.0.0.1:8124/media/a", SIMULATOR, False),
        ("https://127.0.0.1:8123/media/a", SIMULATOR, False),
        ("https://sub.media.example/a", REAL, False),
        ("https://myqcloud.com/a", REAL, False),
        ("https://evilmyqcloud.com/a", REAL, False),
        ("https://bucket.myqcloud.com.evil.example/a", REAL, False),
        ("https://bucket.myqcloud.com:8443/a", REAL, False),
        ("https://bucket.myqcloud.com@evil.example/a", REAL, False),
        ("https://evil.example\\.myqcloud.com/a", REAL, False),
        ("https://evil.example/.myqcloud.com", REAL, False),
        ("https://[::1%25.myqcloud.com]/a", REAL, False),
        ("https://[fe80::1%.myqcloud.com]/a", REAL, False),
        ("https://10.0.0.1%2f.myqcloud.com/a", REAL, False),
        ("https://evil.example;.myqcloud.com/a", REAL, False),
        ("https://bucket.myqcloud.com./a", REAL, False),
        ("https://a..myqcloud.com/a", REAL, False),
        ("https://.myqcloud.com/a", REAL, False),
        ("https://xn--bucket-9d2h.myqcloud.com.evil.example/a", REAL, False),
        ("https://10.0.0.1/a", REAL, False),
        ("https://[::1]/a", REAL, False),
        ("https://2130706433/a", REAL, False),
        ("http://qyapi.weixin.qq.com/a", REAL, False),
        ("ftp://bucket.myqcloud.com/a", REAL, False),
        ("file:///etc/passwd", REAL, False),
        ("https://bucket.myqcloud.com/a b", REAL, False),
        ("https://bucket.myqcloud.com/" + "x" * 4_096, REAL, False),
        ("", REAL, False),
    ],
)
def test_only_the_platforms_own_hosts_are_asked(url: str, api_base: str, allowed: bool) -> None:
    assert may_ask(url, HOSTS, api_base) is allowed


def test_a_simulator_at_an_address_of_ipv6_is_asked() -> None:
    assert may_ask("http://[::1]:8123/media/a", HOSTS, "http://[::1]:8123")


@pytest.mark.parametrize("host", ["10.0.0.1", ".0.0.1", "localhost", "", ".", ".com", "a..cn", "A.cn", "a b.cn"])
def test_a_host_is_configured_by_a_name_and_never_by_an_address(host: str) -> None:
    with pytest.raises(ValidationError):
        config(media_hosts=[host])
    with pytest.raises(ValidationError):
        config(response_hosts=[host])
    names = (".cos.example", "media.example")
    assert config(media_hosts=names).media_hosts == config(response_hosts=names).response_hosts == names
