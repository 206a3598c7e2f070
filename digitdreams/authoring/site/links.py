"""What no page of the book may have: requests to other hosts, links to nothing."""

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that make a browser fetch something at once; a link waits for a click.
FETCHED = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("image", "href"),
    ("img", "src"),
    ("img", "srcset"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("use", "href"),
    ("video", "poster"),
    ("video", "src"),
}
# Most tags of a page are KaTeX's: spans with nothing but a class and measures.
BARE = re.compile(
    r'</?span(?: class="[^"]*")?(?: aria-hidden="true")?(?: style="[^"(]*")?>'
)
OF_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    """Reads what a page fetches, links to, and can be linked to."""

    def __init__(self, text: str):
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.in_style = False
        self.feed(BARE.sub("", text))

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Note addresses and ids of an element."""
        self.in_style = tag == "style"
        for name, value in attributes:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.ids.add(value)
            if (tag, name) in FETCHED:
                self.fetched.append(value)
            elif tag in ("a", "form") and name in ("href", "action"):
                self.links.append(value)
            elif name == "style":
                self.fetched += addresses(value)

    def handle_endtag(self, tag: str) -> None:
        """A style sheet ends."""
        self.in_style = False

    def handle_data(self, data: str) -> None:
        """Note what a style sheet inside the page fetches."""
        if self.in_style:
            self.fetched += addresses(data)


def addresses(style: str) -> list[str]:
    """What a style sheet fetches."""
    return [one or other for one, other in OF_STYLE.findall(style)]


def outside(address: str) -> bool:
    """Whether an address leaves the site."""
    parts = urlsplit(address)
    return parts.scheme not in ("", "data") or bool(parts.netloc)


def faults(site: Path) -> list[str]:
    """A sentence for each request to another host and each link without a target."""
    return sorted(set(found(site)))


def found(site: Path) -> Iterator[str]:
    """The faults of all pages and style sheets, some twice."""
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in page.fetched:
            if outside(address):
                yield f"{name} fetches {address}"
        for address in (*page.fetched, *page.links):
            parts = urlsplit(address)
            if outside(address) or parts.scheme:
                continue
            there = path.parent / unquote(parts.path) if parts.path else path
            target = Path(os.path.normpath(there))
            if not target.is_file():
                yield f"{name} links to {address}, which is not there"
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].ids:
                    yield f"{name} links to {address}, which has no such anchor"
    for path in site.rglob("*.css"):
        for address in addresses(path.read_text(encoding="utf-8")):
            name = path.relative_to(site)
            if outside(address):
                yield f"{name} fetches {address}"
            elif not address.startswith(("data:", "#")):
                bare = urlsplit(address).path
                if not (path.parent / unquote(bare)).is_file():
                    yield f"{name} fetches {address}, which is not there"
