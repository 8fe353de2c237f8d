"""Finds links and anchors of a folder of HTML pages that lead nowhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class Page(HTMLParser):
    """What a page links to, and the anchors that it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken_links(folder):
    """The links between the pages of a folder that lead to no file, or to no anchor of it.

    Args:
        folder: Path of the folder; its subfolders are searched, too.
    Returns: a list of sentences. Links to other hosts are not followed.
    """
    folder = Path(folder).resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            target, anchor = urldefrag(link)
            file = (path.parent / unquote(urlsplit(target).path)).resolve() if target else path.resolve()
            file = file / "index.html" if file.is_dir() else file
            where = path.relative_to(folder)
            if not file.is_file():
                broken.append(f"{where}: there is no file for {link}")
            elif file in pages and unquote(anchor) not in pages[file].anchors:
                broken.append(f"{where}: there is no anchor for {link}")
    return broken
