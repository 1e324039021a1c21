"""Clicks through the pages in a real browser: of an application that runs, one that failed, one that ended.

`python3 tests/pages/run.py SHOW SEEN FIRESTEEL` starts SHOW (the example `show` of `firesteel-ui`), which serves such
applications with hostile names, and ends with 1 if a page does what it must not. SEEN (`program.rs`) is a real program,
and FIRESTEEL serves the logs of it: see `real.py`. `--pictures FOLDER` takes the pictures of the documentation.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import real
from chromium import Browser, find
from clicks import PHONE, check_clean, click_on_everything

PATHS = [
    "/",
    "/jobs/",
    "/jobs/job/?id=0",
    "/jobs/job/?id=1",
    "/stages/",
    "/stages/stage/?id=4&attempt=0",
    "/stages/stage/?id=2&attempt=0&sort=duration&desc=1",
    "/storage/",
    "/environment/",
    "/executors/",
]

# All that is looked at.
SHOWN = ["finished", "failing", "running", "master", "worker"]

Urls = dict[str, str]


def every_link_leads_to_a_page(browser: Browser, urls: Urls) -> None:
    """A person who clicks on everything meets no error, and no script."""
    for name in ("finished", "failing"):
        seen = click_on_everything(browser, name, urls[name])
        assert len(seen) > 20, f"{name}: only {len(seen)} pages"
        print(f"      {name}: {len(seen)} pages")


def hostile_names_are_text(browser: Browser, urls: Urls) -> None:
    """They stand on the page as they are, and are no element of it."""
    page = browser.page()
    for path in ["/", "/jobs/", "/stages/stage/?id=4&attempt=0", "/environment/", "/executors/"]:
        page.go(urls["failing"] + path)
        assert "<script>alert(1)" in page.run("document.body.textContent"), path
        assert page.run("document.querySelectorAll('main img, main script').length") == 0, path
        check_clean(page, path)
    page.go(urls["running"] + "/executors/threadDump/?executorId=1")
    assert "orders.py:14" in page.run("document.body.textContent")
    page.go(urls["running"] + "/executors/flameGraph/?executorId=1&seconds=5")
    assert "<script>alert(1)" in page.run("document.querySelector('.flame').textContent")
    assert page.run("document.querySelectorAll('.flame script').length") == 0
    check_clean(page, "flame graph")
    page.go(urls["running"] + "/executors/log/?executorId=1&which=stdout")
    assert "stdout line 8999" in page.run("document.querySelector('pre').textContent")
    page.follow("document.querySelector('nav.pages a').click()")
    assert "Bytes" in page.run("document.querySelector('.lead').textContent")
    check_clean(page, "log")
    page.close()


def a_telephone_scrolls_one_way(browser: Browser, urls: Urls) -> None:
    """No page is wider than the screen: what is wider scrolls by itself."""
    page = browser.page(PHONE, 740)
    for name in ("finished", "failing", "running"):
        for path in PATHS:
            page.go(urls[name] + path)
            width = page.run("document.documentElement.scrollWidth")
            assert width <= PHONE, f"{name} {path}: {width}"
    page.close()


def keys_reach_everything(browser: Browser, urls: Urls) -> None:
    """With Tab alone a person gets to every link and field, and sees where they are."""
    page = browser.page(1280, 900)
    for path in ["/", "/jobs/job/?id=1", "/stages/stage/?id=4&attempt=0"]:
        page.go(urls["failing"] + path)
        focusable = (
            "[...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]"
            ".filter(one => one.type !== 'hidden' && one.checkVisibility())"
        )
        page.run(f"window.wanted = new Set({focusable}); document.activeElement.blur()")
        count = page.run("wanted.size")
        for _ in range(count + 3):
            page.press("Tab", 9)
            page.run("wanted.delete(document.activeElement)")
        left = page.run("[...wanted].slice(0, 3).map(one => one.outerHTML.slice(0, 120))")
        assert not left, f"{path}: {left} of {count}"
    page.go(urls["failing"] + "/")
    page.press("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", outline
    page.close()


def a_page_follows_its_application(browser: Browser, urls: Urls) -> None:
    """Figures change without a reload; what was opened stays open, and the focus stays where it was."""
    page = browser.page()
    page.go(urls["running"] + "/")
    page.until("document.querySelector('main').dataset.revision > 0")
    page.run("window.mark = 1; document.querySelector('nav a[aria-current]').focus()")
    before = page.run("document.querySelector('main').dataset.revision")
    page.until(f"document.querySelector('main').dataset.revision !== '{before}'")
    assert page.run("window.mark") == 1, "it was loaded again"
    assert page.run("document.activeElement.matches('nav a[aria-current]')")
    check_clean(page, "live")

    page.go(urls["running"] + "/stages/")
    page.run("document.querySelector('.scroll').focus()")
    before = page.run("document.querySelector('main').dataset.revision")
    page.until(f"document.querySelector('main').dataset.revision !== '{before}'")
    assert page.run("document.activeElement.matches('.scroll')"), "the focus is lost"

    page.go(urls["running"] + "/stages/stage/?id=2&attempt=0")
    page.until("document.querySelector('details[data-key=details]') !== null")
    page.run("document.querySelector('details[data-key=details]').open = true")
    before = page.run("document.querySelector('main').dataset.revision")
    page.until(f"document.querySelector('main').dataset.revision !== '{before}'")
    assert page.run("document.querySelector('details[data-key=details]').open"), "what was opened is closed"
    check_clean(page, "live stage")
    page.close()


def dark_is_dark(browser: Browser, urls: Urls) -> None:
    """The page is as the reader's system is, and its text can be read on it."""
    light = "(color => color.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3)"
    for is_dark in (False, True):
        page = browser.page(is_dark=is_dark)
        page.go(urls["failing"] + "/jobs/")
        ground = page.run(f"{light}(getComputedStyle(document.body).backgroundColor)")
        text = page.run(f"{light}(getComputedStyle(document.body).color)")
        assert (ground < 60 and text > 200) if is_dark else (ground > 230 and text < 60), (is_dark, ground, text)
        page.close()


def forms_of_strangers_do_nothing(browser: Browser, urls: Urls) -> None:
    """A job is cancelled from its page, and from no other."""
    page = browser.page()
    page.go(urls["running"] + "/jobs/")
    page.until("document.querySelector('form[action=\"/jobs/job/kill/\"] button') !== null")
    page.run("window.confirm = () => true")
    page.follow("document.querySelector('form[action=\"/jobs/job/kill/\"] button').click()")
    assert page.run("location.pathname") == "/jobs/"
    # The other server is another origin, as a stranger's page is.
    page.go(urls["finished"] + "/jobs/")
    status = page.run(
        f"fetch('{urls['running']}/jobs/job/kill/', {{method: 'POST', mode: 'no-cors', "
        "body: new URLSearchParams({id: '0'})}).then(answer => answer.type, () => 'refused')"
    )
    assert status == "refused", status
    page.close()
    request = urllib.request.Request(urls["running"] + "/jobs/job/kill/", b"id=0&form_token=guess")
    try:
        urllib.request.urlopen(request)
        raise AssertionError("a form without our text was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code


def tables_can_be_searched_and_sorted(browser: Browser, urls: Urls) -> None:
    """By the page's own script, and by addresses alone."""
    page = browser.page()
    page.go(urls["finished"] + "/environment/")
    page.run(
        "(field => { field.value = 'MASTER'; field.dispatchEvent(new Event('input', {bubbles: true})) })"
        "(document.querySelector('input[type=search]'))"
    )
    rows = page.run("[...document.querySelectorAll('tbody tr')].filter(row => !row.hidden).length")
    assert rows == 1, rows
    text = page.run("document.body.innerText")
    assert "never-shown" not in page.run("document.documentElement.outerHTML") and "redacted" not in text
    page.go(urls["finished"] + "/stages/?sort=duration&desc=1")
    assert page.run("document.querySelector('th[aria-sort]').textContent").startswith("Duration")
    check_clean(page, "tables")
    page.close()


def daemons_have_pages(browser: Browser, urls: Urls) -> None:
    """Of masters and workers: clean, narrow, and live; logs follow, and stay where their reader is."""
    log = "/logPage/?appId=app-20261126223420-0012&executorId=3&logType=stdout"
    for name, path in [
        ("master", "/"),
        ("master", "/app/?appId=app-20261126223420-0012"),
        ("master", "/app/?appId=app-20261126223420-0009"),
        ("worker", "/"),
        ("worker", log),
    ]:
        page = browser.page(PHONE, 740)
        page.go(urls[name] + path)
        assert page.run("document.documentElement.scrollWidth") <= PHONE, f"{name} {path}"
        assert page.run("document.querySelectorAll('main img, main script').length") == 0, path
        check_clean(page, f"{name} {path}")
        page.close()
    page = browser.page()
    page.go(urls["worker"] + log)
    at_end = "(log => log.scrollHeight - log.scrollTop - log.clientHeight < 8)(document.querySelector('pre'))"
    assert page.run(at_end), "its end is seen first"
    before = page.run("document.querySelector('main').dataset.revision")
    page.until(f"document.querySelector('main').dataset.revision !== '{before}'")
    assert page.run(at_end), "and again when there is more"
    page.run("document.querySelector('pre').scrollTop = 100")
    before = page.run("document.querySelector('main').dataset.revision")
    page.until(f"document.querySelector('main').dataset.revision !== '{before}'")
    assert page.run("document.querySelector('pre').scrollTop") == 100, "who reads is not pulled away"
    page.go(urls["master"] + "/")
    page.run("window.confirm = () => true")
    page.follow("document.querySelector('form[action=\"/app/kill/\"] button').click()")
    page.until("document.body.innerText.includes('it was killed')")
    check_clean(page, "killed")
    page.close()


TESTS: list[Callable[[Browser, Urls], None]] = [
    every_link_leads_to_a_page,
    hostile_names_are_text,
    a_telephone_scrolls_one_way,
    keys_reach_everything,
    a_page_follows_its_application,
    dark_is_dark,
    forms_of_strangers_do_nothing,
    tables_can_be_searched_and_sorted,
    daemons_have_pages,
]


def take_pictures(browser: Browser, urls: Urls, folder: Path) -> None:
    """Takes the pictures of docs/seeing.md."""
    for name, path, file, width, height, is_dark in [
        ("running", "/", "overview.png", 1200, 960, False),
        ("running", "/", "overview-dark.png", 1200, 960, True),
        ("finished", "/jobs/job/?id=2", "job.png", 1200, 1000, False),
        ("finished", "/stages/stage/?id=10&attempt=0", "stage.png", 1200, 1410, False),
        ("failing", "/stages/stage/?id=4&attempt=0", "failure.png", 1200, 640, False),
        ("running", "/", "telephone.png", PHONE, 1000, False),
        ("master", "/", "master.png", 1200, 900, False),
        ("worker", "/", "worker.png", 1200, 700, False),
    ]:
        page = browser.page(width, 900, is_dark)
        page.go(urls[name] + path)
        time.sleep(0.5)
        page.picture(folder / file, min(height, page.run("document.documentElement.scrollHeight")))
        page.close()


def main() -> int:
    """Runs all tests, and says which failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("show")
    parser.add_argument("seen")
    parser.add_argument("firesteel")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", help="the tests whose names have this in them")
    arguments = parser.parse_args()
    chromium = find()
    if not chromium:
        print("there is no Chromium here")
        return 1
    served = subprocess.Popen(
        [arguments.show, *SHOWN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stdout
        urls = dict(served.stdout.readline().split() for _ in SHOWN)
        with Browser(chromium) as browser:
            if arguments.pictures:
                take_pictures(browser, urls, arguments.pictures)
                return 0
            tests = {test.__name__: partial(test, urls=urls) for test in TESTS}
            for test in real.TESTS:
                tests[test.__name__] = real.in_a_folder(test, arguments.seen, arguments.firesteel)
            wanted = arguments.only or ""
            return run_tests(browser, {name: test for name, test in tests.items() if wanted in name})
    finally:
        served.kill()
        served.wait()


def run_tests(browser: Browser, tests: dict[str, Callable[[Browser], None]]) -> int:
    """Runs the tests one after another."""
    failed = 0
    for name, test in tests.items():
        began = time.monotonic()
        try:
            test(browser)
            print(f"ok    {name} {time.monotonic() - began:.1f} s", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED {name} {time.monotonic() - began:.1f} s\n{traceback.format_exc()}", flush=True)
    print(json.dumps({"passed": len(tests) - failed, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
