"""Knowledge that lies elsewhere, and knowledge that goes elsewhere."""

import gzip
import ipaddress
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.errors import KnowledgeError
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.export import ENTRIES_FILE, export
from bot.knowledge.figures import FigureStore
from bot.knowledge.importing.repository import clone, is_repository
from bot.knowledge.importing.site import FetchedSite, SiteLimits, fetch_site, is_public
from bot.knowledge.ingest import Ingestor
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.records.database import Database
from tests.fakes.scripted_http import Answer, Drip, ScriptedServer
from tests.knowledge.varied_files import KEPT

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUICK = SiteLimits(pages=5, page_bytes=10_000, total_bytes=100_000, seconds=30.0, call_s=5.0, pause_s=0.0)


@pytest.fixture
def site() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def page(text: str, content_type: str = "text/html; charset=utf-8", status: int = 200) -> Answer:
    return Answer(status=status, headers={"Content-Type": content_type}, body=text.encode())


def sitemap(*addresses: str, kind: str = "urlset", each: str = "url") -> Answer:
    places = "".join(f"<{each}><loc>{address}</loc></{each}>" for address in addresses)
    return page(f"<?xml version='1.0'?><{kind} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{places}</{kind}>")


def fetch(server: ScriptedServer, folder: Path, limits: SiteLimits = QUICK) -> FetchedSite:
    """As from inside a network whose loopback addresses may be fetched."""
    return fetch_site(f"{server.url}/sitemap.xml", folder, allowed=lambda _address: True, limits=limits)


def kept(site: FetchedSite) -> dict[str, str]:
    return {str(path.relative_to(site.folder)): path.read_text() for path in site.folder.rglob("*") if path.is_file()}


def test_the_pages_of_a_sitemap_become_files(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("User-agent: *\nDisallow: /private"))
    site.on("/sitemap.xml", sitemap(f"{site.url}/inner.xml", kind="sitemapindex", each="sitemap"))
    addresses = [f"{site.url}{path}" for path in ("/help/leave.html", "/faq", "/private/x.html", "/gone.html")]
    site.on("/inner.xml", sitemap(*addresses, "https://elsewhere.example/x.html"))
    site.on("/help/leave.html", page("<p>陪产假十五天。</p>"))
    site.on("/faq", page("<p>常见问题。</p>"))
    site.on("/gone.html", page("", status=404))
    found = fetch(site, tmp_path)
    assert kept(found) == {"help/leave.html": "<p>陪产假十五天。</p>", "faq.html": "<p>常见问题。</p>"}
    told = " ".join(found.notes)
    assert all(why in told for why in ("robots.txt forbids it", "HTTP 404", "another host"))
    assert "/private/x.html" not in [request.path for request in site.requests]


def test_a_site_is_fetched_within_bounds(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("", status=404))
    site.on("/sitemap.xml", sitemap(*(f"{site.url}/{n}.html" for n in range(9))))
    site.on("/0.html", page("大" * 9_000))
    for number in range(1, 9):
        site.on(f"/{number}.html", page("小"))
    found = fetch(site, tmp_path)
    assert sorted(kept(found)) == ["1.html", "2.html", "3.html", "4.html"]
    assert "only the first 5 of 9 pages" in found.notes[0]
    assert "larger than it may be" in found.notes[1]


def test_nothing_inside_a_private_network_is_asked(site: ScriptedServer, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="private network"):
        fetch_site(f"{site.url}/sitemap.xml", tmp_path)
    assert site.requests == []


def test_a_redirect_leads_to_no_other_place(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("", status=404))
    site.on("/sitemap.xml", sitemap(f"{site.url}/a.html", f"{site.url}/b.html"))
    site.on("/a.html", Answer(status=302, headers={"Location": "http://169.254.169.254/latest"}))
    site.on("/b.html", Answer(status=302, headers={"Location": "/b.html"}))
    found = fetch(site, tmp_path)
    assert kept(found) == {}
    assert "another host" in found.notes[0]
    assert "circle" in found.notes[1]


def test_one_bad_address_costs_one_page(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("User-agent: *\nDisallow: /private", content_type="text/plain"))
    inner = [f"{site.url}/{name}.xml" for name in ("good", "bad", "gone")]
    site.on("/sitemap.xml", sitemap(*inner, kind="sitemapindex", each="sitemap"))
    paths = ("a.html", "a.html/b.html", "c?d=1", "c_d_1", "x" * 100 + "/x" * 2_000, "moved", "lost")
    bad = ("http://[::1/x", "http://example.com:port/x", "")
    site.on("/good.xml", sitemap(*bad, *(f"{site.url}/{path}" for path in paths)))
    site.on("/bad.xml", page("no xml"))
    site.on("/gone.xml", page("", status=404))
    for path in paths[:-2]:
        site.on(f"/{path.partition('?')[0]}", page(path[:9]))
    site.on("/moved", Answer(status=302, headers={"Location": "/private/x.html"}))
    site.on("/lost", Answer(status=302, headers={"Location": "http://[::1/x"}))
    found = fetch(site, tmp_path, replace(QUICK, pages=20))
    assert sorted(kept(found).values()) == sorted(path[:9] for path in paths[:-2]), "whatever name they would give"
    told = " ".join(found.notes)
    assert all(why in told for why in ("it is no address", "forbids it", "redirects to what is no address"))
    assert sum("bad.xml" in note or "gone.xml" in note for note in found.notes) == 2
    assert "/private/x.html" not in [request.path for request in site.requests]


def test_sitemaps_that_are_not_followed_are_named(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("", status=404))
    inner = [f"{site.url}/inner.xml", *(f"{site.url}/inner.xml?{n}" for n in range(50))]
    site.on("/sitemap.xml", sitemap(*inner, kind="sitemapindex", each="sitemap"))
    site.on("/inner.xml", sitemap(f"{site.url}/deeper.xml", kind="sitemapindex", each="sitemap"))
    notes = fetch(site, tmp_path).notes
    assert any("1 of the 51 sitemaps" in note for note in notes)
    assert any("1 of the 1 sitemaps" in note for note in notes)


def test_where_nobody_can_say_what_robots_may_nothing_is_fetched(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("", status=503))
    with pytest.raises(KnowledgeError, match="allows is not known: HTTP 503"):
        fetch_site(site.url.replace("//", "//li:pass-word@") + "/sitemap.xml", tmp_path, allowed=lambda _address: True)
    assert [request.headers["host"] for request in site.requests] == [site.url.removeprefix("http://")]


def test_a_page_that_drips_is_left_when_the_time_is_over(site: ScriptedServer, tmp_path: Path) -> None:
    site.on("/robots.txt", page("", status=404))
    site.on("/sitemap.xml", sitemap(f"{site.url}/slow.html"))
    site.on("/slow.html", Drip(headers={"Content-Type": "text/html"}))
    (note,) = fetch(site, tmp_path, replace(QUICK, seconds=0.5)).notes
    assert "it takes too long" in note


@pytest.mark.parametrize(
    "body", [b"no xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", gzip.compress(bytes(10**6)), b"\x1f\x8b broken"]
)
def test_what_is_no_sitemap_is_told(site: ScriptedServer, tmp_path: Path, body: bytes) -> None:
    site.on("/robots.txt", page("", status=404))
    site.on("/sitemap.xml", Answer(status=200, body=body))
    with pytest.raises(KnowledgeError, match="no sitemap"):
        fetch(site, tmp_path)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("2400:3200::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b:1::1", False),
        ("2002:a00:1::1", False),
        ("::10.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_repository_is_cloned_without_its_links(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    work = tmp_path / "work"
    (work / "docs").mkdir(parents=True)
    (work / "docs/a.md").write_text("# 甲\n\n第一版。\n", encoding="utf-8")
    (work / "docs/link.md").symlink_to("/etc/passwd")
    identity = ("-c", "user.name=li", "-c", "user.email=li@example.com", "-c", "init.defaultBranch=main")
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("commit", "-q", "-m", "one"),
        ("clone", "-q", "--bare", ".", "../manual.git"),
    ):
        subprocess.run([git, *identity, *words], cwd=work, check=True, capture_output=True)
    address = str(tmp_path / "manual.git")
    assert is_repository(address)
    assert is_repository("https://example.com/team/manual.git")
    assert not is_repository(str(work))
    folder = clone(address, tmp_path)
    assert folder.name == "manual"
    assert (folder / "docs/a.md").read_text(encoding="utf-8").endswith("第一版。\n")
    assert not (folder / "docs/link.md").is_symlink()
    assert not (folder / ".git").exists()


def test_a_repository_that_is_none_is_told_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "none.git").mkdir()
    with pytest.raises(KnowledgeError, match="git could not clone it"):
        clone(str(tmp_path / "none.git"), tmp_path / "to")


TABLE = """问题,相似问题,答案,生效,失效,审批号
年假几天？,年假天数|假期,"五天，
又加""两天""。",2026-01-01,2026-12-31,HR-1
几点开门？,,八点。,,,
"""
GUIDE = """---
审批号: HR-2
---
# 指南

开头一段。

## 甲

### 乙

内容一。

- 一
- 二

## 丙

| 名 | 值 |
| --- | --- |
| a | 1 |
"""


class Base:
    """A knowledge base of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.database = Database(f"sqlite:///{folder}/bot.sqlite")
        self.database.upgrade()
        self.figures = FigureStore(folder / "figures")
        self.store = KnowledgeStore(self.database)

    def ingest(self, *paths: Path, audience: Audience) -> None:
        report = Ingestor(
            store=self.store,
            reader=FileReader(self.figures),
            warm=lambda _entries, _tell: None,
            sync=lambda _tenant, _collection: SyncReport(upserted=0, deleted=0),
            timezone=SHANGHAI,
        ).ingest(paths, tenant="t", collection="c", audience=audience, approve=True, actor="cli:li")
        assert report.problems == ()

    def documents(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for version in self.store.versions("t", "c"):
            found[version.source] = self.store.contents(version.id)
        return found


def test_what_was_exported_comes_back_the_same(tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "制度").mkdir(parents=True)
    (files / "faq.csv").write_text(TABLE, encoding="utf-8")
    (files / "制度/指南.md").write_text(GUIDE, encoding="utf-8")
    (files / "海报.png").write_bytes((KEPT / "poster.png").read_bytes())
    before, after, out = Base(tmp_path / "before"), Base(tmp_path / "after"), tmp_path / "out"
    before.ingest(files, audience=Audience.HCP)
    written = export(before.documents().values(), out, SHANGHAI, before.figures)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*") if "figures" not in path.parts) == [
        ENTRIES_FILE,
        "hcp/faq.csv",
        "hcp/制度/指南.md",
        "hcp/海报.png.md",
    ]
    lines = [json.loads(line) for line in (out / ENTRIES_FILE).read_text(encoding="utf-8").splitlines()]
    assert len(lines) == written.entries == sum(map(len, before.documents().values()))
    (figure,) = next(line["figures"] for line in lines if line["source"] == "海报.png")
    assert (out / "figures" / figure).is_file()
    after.ingest(out / "hcp", audience=Audience.HCP)
    assert after.documents()["faq.csv"] == before.documents()["faq.csv"], "down to their ids"
    told = [
        [
            (entry.title, entry.text, entry.location, entry.approval_number)
            for entry in base.documents()["制度/指南.md"][1:]
        ]
        for base in (before, after)
    ]
    assert told[0] == told[1]
    for base in (before, after):
        base.database.dispose()


def test_nothing_is_exported_out_of_the_folder_nor_over_something_else(tmp_path: Path) -> None:
    """What another installation calls its documents is not ours to choose."""
    sources = ("../../out.md", "/etc/out.md", "a/../../b.md", "x.csv", "x.csv.md", "x.csv.md/y.md", "长" * 90 + ".md")
    documents = []
    for source in sources:
        origin = Origin(tenant="t", collection="c", audience=Audience.PUBLIC, source=source)
        kind = EntryKind.PASSAGE
        documents.append([make_entry(origin, kind=kind, title="甲", text=f"内容 {source}", location="")])
    hidden = Origin(tenant="t", collection="c", audience=Audience.HCP, source="own.md", bots=("a", "b"))
    documents.append([make_entry(hidden, kind=EntryKind.PASSAGE, title="甲", text="自己的", location="")])
    out = tmp_path / "deep" / "out"
    written = export(documents, out, SHANGHAI, FigureStore(tmp_path / "figures"))
    found = [path for path in out.rglob("*.md") if path.is_file()]
    assert written.files == len(found) == len(documents)
    assert [path for path in tmp_path.rglob("*.md") if path.is_file() and not path.is_relative_to(out)] == []
    assert {path.parent.name for path in found if "自己的" in path.read_text()} == {"hcp-only-for-a-only-for-b"}
