"""Files on a web server that lists its folders."""

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

import httpx

from parlearn.retrieve.access import Access
from parlearn.retrieve.delivery import Retrieved
from parlearn.retrieve.formats import looks_like_page
from parlearn.retrieve.http import fetch, probe, read_text
from parlearn.retrieve.logins import AbsentError


class HttpStore:
    """Files under a base URL of which the server shows a list (its index page).

    A file ``SHA256SUMS`` at the base, where there is one, is taken for the list.
    """

    def __init__(self, base, access=None, *, client=None, **options):
        self.base = base.rstrip("/") + "/"
        self.access, self.options = access or Access(), options
        self.client = client or httpx.Client(timeout=60.0)

    def entries(self, folder):
        """(name, whether it is a folder, size or None) of what lies in a folder of the base."""
        page = _Links()
        page.feed(self._text(self.base + folder))
        for link in dict.fromkeys(page.links):
            full = urljoin(self.base + folder, link)
            rest = full.removeprefix(self.base + folder)
            if full != rest and rest and "?" not in rest and "/" not in rest.rstrip("/"):
                yield unquote(rest.rstrip("/")), rest.endswith("/"), None

    def sums(self) -> str:
        """The list of checksums at the base; empty where there is none."""
        try:
            text = self._text(self.base + "SHA256SUMS")
        except AbsentError:
            return ""
        return "" if looks_like_page(text.encode()) else text

    def address(self, path) -> str:
        return self.base + path

    def get(self, url, target, expected) -> Retrieved:
        return fetch(url, target, expected, access=self.access, client=self.client, **self.options)

    def probe(self, url) -> int | None:
        return probe(self.client, url, self.access, **self.options)

    def close(self):
        self.client.close()

    def _text(self, url):
        return read_text(self.client, url, self.access, **self.options)


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]
