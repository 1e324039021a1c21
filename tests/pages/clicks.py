"""What every page has to be, and clicks on everything."""

from __future__ import annotations

import re
from collections import Counter

from chromium import Browser, Page

# The number of pages that differ by a number alone which are clicked on.
MOST_OF_A_KIND = 3

# The width of a small telephone.
PHONE = 360


def check_clean(page: Page, where: str) -> None:
    """Nothing of a page ran that should not: no dialog, no error, no violation of the policy, no foreign request."""
    assert not page.sins, f"{where}: {page.sins}"
    origin = page.run("location.origin")
    foreign = [url for url in page.requests if not url.startswith(origin) and url != "about:blank"]
    assert not foreign, f"{where}: {foreign}"


def check_page(page: Page, where: str) -> None:
    """It is a page with content, and no name in it became an element."""
    status = page.run("performance.getEntriesByType('navigation')[0].responseStatus")
    assert status == 200, f"{where}: {status}"
    assert page.run("document.querySelector('h1, h2, section') !== null"), where
    assert page.run("document.querySelectorAll('main img, main script').length") == 0, where
    check_clean(page, where)


def click_on_everything(
    browser: Browser,
    name: str,
    url: str,
    start: str = "/",
    width: int = 1280,
    most: int = MOST_OF_A_KIND,
) -> set[str]:
    """Follows every link from a page on, and returns the paths. On a telephone no page may be wider than it."""
    page = browser.page(width)
    seen: set[str] = set()
    kinds: Counter[str] = Counter()
    waiting = [start]
    while waiting:
        path = waiting.pop(0)
        page.go(url + path)
        check_page(page, f"{name} {path}")
        shown = page.run("document.documentElement.scrollWidth")
        assert shown <= width, f"{name} {path}: {shown} pixels wide"
        links = page.run("[...document.querySelectorAll('a')].map(link => link.getAttribute('href'))")
        for link in dict.fromkeys(links):
            # Pages that differ by a number, or by their order, are of one kind.
            kind = re.sub(r"(\d+|sort=\w+)", "", link)
            is_page = link.startswith("/") and "format=folded" not in link
            if is_page and link not in seen and kinds[kind] < most:
                kinds[kind] += 1
                seen.add(link)
                waiting.append(link)
    page.close()
    return seen


def check_kinds(name: str, seen: set[str], kinds: list[str]) -> None:
    """Each kind of page is among those that were clicked on."""
    missing = [kind for kind in kinds if not any(kind in path for path in seen)]
    assert not missing, f"{name}: no link led to {missing}"
