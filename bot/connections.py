"""The HTTP connections of a process to the platforms: kept alive, shared by its threads, straight or by a proxy."""

import threading
from functools import lru_cache
from pathlib import Path
from ssl import SSLContext
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util.ssl_ import create_urllib3_context

from bot.lazy import lazy

MOST_KEPT = 256
"""Connections to one host that stay open while idle: a thread that sends uses one, and more than so many threads would
only wait for the processor. Whoever finds none idle opens another."""
_HOSTS_KNOWN = 1000
"""So many hosts' proxies are remembered: to read the environment for one takes 0.1 ms of processor time."""


class Connections:
    """Gives the pool of connections that leads to a URL; safe to share between threads.

    Which proxy leads there and whose certificates are believed is decided as :mod:`requests` does, with which the rest
    of the product speaks HTTP: by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, and by REQUESTS_CA_BUNDLE, else
    CURL_CA_BUNDLE, else certifi's. ``environment`` false leaves all of them aside. Nothing is opened or read before it
    is needed, and the environment is read once for a host.
    """

    def __init__(self, *, environment: bool = True) -> None:
        self._rules = requests.Session()
        self._rules.trust_env = environment
        self._proxy_to = lru_cache(_HOSTS_KNOWN)(self._look_up_proxy)
        self._pools: dict[tuple[str, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str) -> urllib3.PoolManager:
        """The pool that leads to ``url``.

        Raises ``OSError`` without readable certificates, ``urllib3.exceptions.HTTPError`` for a URL or a proxy that is
        none.
        """
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise LocationParseError(url) from error
        proxy = self._proxy_to(f"{parts.scheme}://{parts.netloc}")
        way = proxy, "https" in (parts.scheme, proxy.partition(":")[0])
        with self._lock:
            if way not in self._pools:
                self._pools[way] = self._pool(*way)
            return self._pools[way]

    def _look_up_proxy(self, origin: str) -> str:
        """The URL of the proxy that leads to ``origin``, empty where the way is straight."""
        proxies = self._rules.merge_environment_settings(origin, {}, None, None, None)["proxies"]
        proxy = select_proxy(origin, proxies) or ""
        return f"http://{proxy}" if proxy and "://" not in proxy else proxy

    def _pool(self, proxy: str, secure: bool) -> urllib3.PoolManager:
        tls = self._tls if secure else None
        if not proxy:
            return urllib3.PoolManager(maxsize=MOST_KEPT, ssl_context=tls)
        user, password = get_auth_from_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}") if user else None
        return urllib3.ProxyManager(
            proxy, maxsize=MOST_KEPT, proxy_headers=headers, proxy_ssl_context=tls, ssl_context=tls
        )

    @lazy
    def _tls(self) -> SSLContext:
        """One for all connections: reading the certificates takes 20 ms of processor time."""
        bundle = self._rules.merge_environment_settings("https:", {}, None, None, None)["verify"]
        path = Path(bundle if isinstance(bundle, str) else DEFAULT_CA_BUNDLE_PATH)
        context = create_urllib3_context()
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
        return context
