"""Clicks through the pages of programs that run, on one machine and on a cluster, and of a history server.

`run.py` has these tests with the others. What a program is to have done by then is known by its answer, what a page
is to show is waited for.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chromium import Browser, Page
from clicks import PHONE, check_clean, check_kinds, check_page, click_on_everything
from programs import HistoryServer, Program

# What a page that is not at its application's root may be reached by.
KINDS = [
    "/jobs/job/?id=",
    "/stages/stage/?id=",
    "&sort=",
    "&show=",
    "/storage/rdd/?id=",
    "/environment/",
    "/executors/",
]

# What only the pages of an application that runs have.
LIVE_KINDS = ["/executors/threadDump/", "/executors/log/"]

HOSTILE = "<script>alert(1)"

Test = Callable[[Browser, str, str, Path], None]


def click(page: Page, selector: str, text: str = "") -> None:
    """Clicks on the first element that has the text, and waits for the page that it leads to."""
    page.until(f"[...document.querySelectorAll({selector!r})].some(one => one.textContent.includes({text!r}))")
    page.follow(
        f"[...document.querySelectorAll({selector!r})].find(one => one.textContent.includes({text!r})).click()"
    )
    check_page(page, page.run("location.pathname + location.search"))


def column(page: Page, part: str, heading: str) -> list[str]:
    """Returns the cells below a heading."""
    cells: list[str] = page.run(
        f"(table => {{ const at = [...table.querySelectorAll('th')].findIndex("
        f"one => one.textContent.startsWith({heading!r}));"
        "return [...table.querySelectorAll('tbody tr')].map(row => row.cells[at].textContent.trim()); })"
        f"(document.querySelector('[data-part={part}] table'))"
    )
    return cells


def pages_of_a_program(browser: Browser, program: str, firesteel: str, folder: Path) -> None:
    """Every page of a program that has done much, and failed once; then what its log shows of it."""
    with Program(program, "local[2]", folder) as running:
        assert running.say("finish") == "100"
        assert running.say("fail") == "as it should"
        seen = click_on_everything(browser, "running", running.url, most=2)
        check_kinds("running", seen, KINDS + LIVE_KINDS)
        click_on_everything(browser, "running, on a telephone", running.url, width=PHONE, most=2)
        print(f"      running: {len(seen)} pages")
        page = browser.page()
        for check in (a_failed_job, a_stage_with_many_tasks, what_is_kept, settings):
            check(page, running.url)
        page.go(f"{running.url}/jobs/")
        assert "FAIR" in page.run("document.querySelector('[data-part=facts]').textContent")
        page.close()
        running.say("stop")
    with HistoryServer(firesteel, folder / "logs") as history:
        page = browser.page()
        page.go(history.url)
        assert column(page, "applications", "State") == ["ended"]
        check_page(page, "the list")
        click(page, "[data-part=applications] td.what a", HOSTILE)
        base = page.run("location.pathname").rstrip("/")
        seen = click_on_everything(browser, "history", history.url, f"{base}/", most=2)
        check_kinds("history", seen, [f"{base}{kind}" if kind.startswith("/") else kind for kind in KINDS])
        print(f"      history: {len(seen)} pages")
        for check in (a_failed_job, a_stage_with_many_tasks, what_is_kept, settings):
            check(page, history.url + base)
        assert page.run("document.querySelectorAll('form[method=post]').length") == 0
        page.close()


def a_failed_job(page: Page, url: str) -> None:
    """Its page, and that of its stage, tell the panic, the line and the record."""
    page.go(f"{url}/jobs/?show=failed")
    click(page, "[data-part=jobs] td.what a")
    failure = page.run("document.querySelector('.failure pre').textContent")
    assert "invalid digit found in string" in failure and HOSTILE in failure, failure
    click(page, "[data-part=stages] tr:has(.pill.failed) td.what a")
    failure = page.run("document.querySelector('.failure pre').textContent")
    assert "program.rs:" in failure and f"the record was: \"{HOSTILE}" in failure, failure
    assert set(column(page, "tasks", "State")) == {"failed"}
    why = page.run("document.querySelector('[data-part=why]').textContent")
    assert "failed" in why, why
    check_clean(page, "a failed job")


def a_stage_with_many_tasks(page: Page, url: str) -> None:
    """Its table of tasks has pages and orders."""
    page.go(f"{url}/stages/")
    is_wanted = "row => row.textContent.includes('230 of 230')"
    page.follow(f"[...document.querySelectorAll('tbody tr')].find({is_wanted}).querySelector('td.what a').click()")
    assert page.run("document.querySelector('[data-part=tasks] nav.pages').textContent").split() == [
        *("Page", "1", "of", "3"),
        *("After", "→"),
    ]
    assert column(page, "tasks", "Task")[::99] == ["0", "99"]
    click(page, "[data-part=tasks] nav.pages a", "After")
    assert column(page, "tasks", "Task")[::99] == ["100", "199"]
    click(page, "[data-part=tasks] nav.pages a", "After")
    assert len(column(page, "tasks", "Task")) == 30
    click(page, "[data-part=tasks] th a", "Task")
    assert page.run("document.querySelector('[data-part=tasks] th[aria-sort]').textContent").startswith("Task")
    indices = [int(index) for index in column(page, "tasks", "Task")]
    assert indices == [*range(229, 129, -1)], indices
    click(page, "[data-part=tasks] th a", "Duration")
    assert len(column(page, "tasks", "Task")) == 100
    click(page, "[data-part=tasks] .filters a", "succeeded")
    assert set(column(page, "tasks", "State")) == {"succeeded"}


def what_is_kept(page: Page, url: str) -> None:
    """The storage page has both RDDs, one in memory and one on disk, and leads to their partitions."""
    page.go(f"{url}/storage/")
    names = column(page, "rdds", "Name")
    assert len(names) == 2 and any(HOSTILE in name for name in names), names
    click(page, "[data-part=rdds] td.what a", HOSTILE)
    assert len(page.run("[...document.querySelectorAll('[data-part=partitions] tbody tr')].map(() => 1)")) == 8
    assert page.run("document.querySelectorAll('[data-part=places] tbody tr').length") == 1


def settings(page: Page, url: str) -> None:
    """The environment has the settings, without secrets."""
    page.go(f"{url}/environment/?search=spark.my")
    text = page.run("document.body.textContent")
    assert HOSTILE in text and "spark.my.password" in text and "never-shown" not in text
    check_page(page, "settings")


def a_running_job_is_followed(browser: Browser, program: str, _: str, folder: Path) -> None:
    """Its page tells how far it is, and how it ended, without being loaded again."""
    with Program(program, "local[2]", folder) as running:
        page = browser.page()
        page.go(running.url + "/")
        page.until("document.querySelector('[data-part=running]').textContent.includes('No job runs')")
        running.hold("slow", 8)
        page.until("document.querySelector('[data-part=running] a') !== null")
        click(page, "[data-part=running] a")
        page.run("window.mark = 'not loaded again'")
        done = "document.querySelector('[data-part=facts] .progress small').textContent"
        page.until(f"{done}.startsWith('0 of 10')")
        running.let_go("slow", 0, 1, 2)
        page.until(f"{done}.startsWith('3 of 10')")
        assert page.run("document.querySelector('h1 .pill').textContent") == "running"
        threads = browser.page()
        threads.go(running.url + "/executors/")
        click(threads, "a", "threads")
        assert "(partition " in threads.run("document.querySelector('table.threads').textContent")
        threads.close()
        running.let_go("slow", *range(3, 8))
        assert running.ended("slow") == str(sum(range(800)))
        page.until("document.querySelector('h1 .pill').textContent === 'succeeded'")
        page.until("document.querySelector('main form') === null")
        assert page.run("window.mark") == "not loaded again"
        check_clean(page, "a job that is followed")
        page.close()


def a_slow_task_is_explained(browser: Browser, program: str, _: str, folder: Path) -> None:
    """The page of a job says which task made it slow, once it has ended."""
    with Program(program, "local[2]", folder) as running:
        running.let_go("skewed", *range(7))
        running.hold("skewed", 8)
        page = browser.page()
        page.go(running.url + "/jobs/job/?id=0")
        page.until("document.querySelector('[data-part=facts] .progress small').textContent.startsWith('7 of 10')")
        # From here on the last task runs for so long that it is worth a sentence.
        enough = time.monotonic() + 1.5
        while time.monotonic() < enough:
            time.sleep(0.1)
        running.let_go("skewed", 7)
        assert running.ended("skewed") == str(sum(range(800)))
        page.until("document.querySelector('[data-part=why]') !== null")
        assert "task 7 ran" in page.run("document.querySelector('[data-part=why]').textContent")
        page.until("document.querySelector('h1 .pill').textContent === 'succeeded'")
        running.say("stop")
        # The pages go with the application, and whoever looks is told.
        page.until("document.querySelector('.live.lost') !== null")
        page.close()


def jobs_are_ended_by_buttons(browser: Browser, program: str, _: str, folder: Path) -> None:
    """That of a job on its page and in the table, and that of a stage: the program is told, others run on."""
    with Program(program, "local[4]", folder) as running:
        page = browser.page()
        # Each job has a stage that waits and one that would read its shuffle.
        for job, (name, path, button) in enumerate([
            ("page", "/jobs/job/?id=0", "Cancel this job"),
            ("table", "/jobs/", "Cancel job 1"),
            ("stage", "/stages/stage/?id=4&attempt=0", "Cancel this stage"),
        ]):
            running.hold(name, 2)
            page.go(running.url + "/jobs/")
            page.until(f"document.querySelector('[aria-label=\"Cancel job {job}\"]') !== null")
            page.go(running.url + path)
            page.run("window.confirm = () => true")
            wanted = f"one => [one.textContent, one.ariaLabel].includes('{button}')"
            page.follow(f"[...document.querySelectorAll('button')].find({wanted}).click()")
            check_page(page, button)
            answer = running.ended(name)
            assert answer.startswith("failed") and "killed from its page" in answer, answer
            page.go(running.url + f"/jobs/job/?id={job}")
            page.until("document.querySelector('h1 .pill').textContent === 'failed'")
            assert "killed from its page" in page.run("document.querySelector('.failure').textContent")
            running.let_go(name, 0, 1)
        assert running.say("finish") == "100"
        check_clean(page, "buttons")
        page.close()


def a_cluster_loses_an_executor(browser: Browser, program: str, firesteel: str, folder: Path) -> None:
    """The page of executors says which, and why; the job ends right. The history server says the same of its log."""
    with Program(program, "local-cluster[2,1,512]", folder) as running:
        page = browser.page()
        running.hold("lossy", 6)
        page.go(running.url + "/executors/")
        page.until("document.querySelectorAll('[data-part=Executors] .pill.done').length === 3")
        running.let_go("lossy", 0)
        victim = running.executors()[0]
        running.kill_executor(victim)
        page.until("document.querySelector('[data-part=Gone] td.bad') !== null")
        gone(page)
        running.let_go("lossy", *range(6))
        assert running.ended("lossy") == str(sum(range(600)))
        seen = click_on_everything(browser, "cluster", running.url, most=2)
        check_kinds("cluster", seen, LIVE_KINDS)
        page.close()
        left = HistoryServer(firesteel, folder / "logs")
        with left:
            listed(browser, left, "running, or cut off")
        running.say("stop")
        with HistoryServer(firesteel, folder / "logs") as history:
            listed(browser, history, "ended")


def gone(page: Page) -> None:
    """One executor is gone, and a sentence says why."""
    rows = page.run("[...document.querySelectorAll('[data-part=Gone] tbody tr')].map(row => row.textContent)")
    assert len(rows) == 2 and "gone" in rows[0], rows
    assert "SIGKILL" in rows[1], rows


def listed(browser: Browser, history: HistoryServer, state: str) -> None:
    """The history server lists the newest application so, and shows which executor it lost."""
    page = browser.page()
    page.go(history.url)
    assert column(page, "applications", "State")[0] == state
    click(page, "[data-part=applications] td.what a", HOSTILE)
    click(page, "nav.tabs a", "Executors")
    gone(page)
    check_clean(page, state)
    page.close()


def what_was_cut_off_is_shown(browser: Browser, program: str, firesteel: str, folder: Path) -> None:
    """A program that was killed in the middle of a job leaves a log that is read as far as it goes."""
    with Program(program, "local[2]", folder) as running:
        running.say("finish")
        running.hold("cut", 4)
        page = browser.page()
        page.go(running.url + "/jobs/?show=running")
        page.until("document.querySelector('[data-part=jobs] .pill.running') !== null")
        running.kill()
    assert list((folder / "logs").rglob("*.inprogress")), "the log has ended"
    with HistoryServer(firesteel, folder / "logs") as history:
        page.close()
        page = browser.page()
        page.go(history.url)
        assert "running, or cut off" in column(page, "applications", "State")
        click(page, "[data-part=applications] tr:has(.pill.running) td.what a")
        base = page.run("location.pathname").rstrip("/")
        seen = click_on_everything(browser, "cut off", history.url, f"{base}/", most=2)
        check_kinds("cut off", seen, [f"{base}/jobs/job/", f"{base}/stages/stage/"])
        page.go(f"{history.url}{base}/jobs/?show=running")
        assert column(page, "jobs", "State") == ["running"]
        page.close()


TESTS: list[Test] = [
    pages_of_a_program,
    a_running_job_is_followed,
    a_slow_task_is_explained,
    jobs_are_ended_by_buttons,
    a_cluster_loses_an_executor,
    what_was_cut_off_is_shown,
]


def in_a_folder(test: Test, program: str, firesteel: str) -> Callable[[Browser], None]:
    """Returns the test with a folder of its own."""

    def run(browser: Browser) -> None:
        with tempfile.TemporaryDirectory(prefix="firesteel-pages-") as folder:
            test(browser, program, firesteel, Path(folder))

    return run
