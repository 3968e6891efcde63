"""The pages in Chromium: what a visitor clicks, and what the visitor sees then."""

from pathlib import Path
from tempfile import TemporaryDirectory

from demo_project.checking.chromium import Chromium
from demo_project.checking.report import Failed, Report, until
from demo_project.checking.tab import Tab

OWN_FILE = "sku,name,price\nOWN-1,Visitor's lamp,12.50\nOWN-2,Visitor's chair,-1\n"


async def check_pages(report: Report, browser: Chromium, address: str) -> None:
    """Raises ``Failed``."""
    for name, check in (
        ("counter", counter),
        ("import", importing),
        ("assistant", assistant),
        ("storm", storm),
    ):
        report.begin(f"/{name}/", "Chromium")
        tab = await Tab.open(browser, f"{address}{name}/")
        try:
            await check(report, tab)
        except Failed as error:
            raise Failed("; ".join([str(error), *tab.problems])) from error
        report.expect("no error, nothing refused by the page's security policy", tab.problems, [])


async def counter(report: Report, tab: Tab) -> None:
    other = await Tab.open(tab.browser, await tab.evaluate("location.href"))
    await tab.to_front()
    await tab.until("Number.isInteger(parseInt(document.querySelector('#value').textContent))")
    before = await tab.number("#value")
    for number, amount in enumerate((1, 5, 100) * 4, 1):
        await tab.click(f"[data-amount='{amount}']")
        await tab.until(f"document.querySelector('#answers').textContent === '{number}'")
    report.expect("twelve clicks are twelve answers, added up", await tab.number("#value"), before + 424)
    seen = await until(
        "the second window", lambda: other.number("#value"), lambda value: value == before + 424
    )
    report.expect("a second window saw them without asking", seen, before + 424)
    report.tell(f"median round trip {await tab.text('#median')} ms")


async def importing(report: Report, tab: Tab) -> None:
    await tab.click("#sample")
    done = "Number(document.querySelector('#done').textContent)"
    await tab.until(f"{done} > 30")
    message = await tab.evaluate("location.search")
    await tab.reload()
    await tab.until(f"{done} > 60")
    report.expect("a reloaded page shows the same import", await tab.evaluate("location.search"), message)
    await kill_worker(report, tab)
    await tab.until("document.querySelector('#status').textContent === 'completed'")
    report.expect("the next worker took it up again", await tab.number("#attempt"), 2)
    report.expect("it came to its end: 365 lines, 3 refused", await tab.number("#done"), 362)
    report.expect("and named them", await tab.evaluate("document.querySelectorAll('#refused li').length"), 3)
    await own_file(report, tab)


async def own_file(report: Report, tab: Tab) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "own.csv"
        path.write_text(OWN_FILE)
        await tab.choose_file("input[type=file]", path)
        await tab.until("document.querySelector('#done').textContent === '1'")
        await tab.until("document.querySelector('#status').textContent === 'completed'")
    report.expect(
        "a visitor's own file", await tab.evaluate("document.querySelectorAll('#refused li').length"), 1
    )


async def assistant(report: Report, tab: Tab) -> None:
    shown = "document.querySelector('#turns li:last-child p:last-child').textContent"
    stored = (
        "fetch(`/api/actors/assistant/${localStorage.visitor}/actions/turns/`)"
        ".then((answer) => answer.json()).then(({output}) => output.at(-1).answer)"
    )
    await tab.type("#prompt", "What is an actor?")
    await tab.click("#ask .primary")
    await tab.until(f"document.querySelector('#turns li') && {shown}.split(' ').length > 15")
    await tab.reload()
    await tab.until(f"document.querySelector('#turns li') && {shown}.split(' ').length > 25")
    report.tell("it talks, and goes on talking on a reloaded page")
    await tab.click("#stop")
    await tab.until("document.querySelector('#turns li:last-child').dataset.status === 'stopped'")
    answer = await tab.evaluate(stored)
    report.expect("stopped in the middle", answer["stopped"], True)
    text = await until("the last words", lambda: tab.evaluate(shown), lambda text: text == answer["text"])
    report.expect("no word was missed, none came twice", text, answer["text"])


async def storm(report: Report, tab: Tab) -> None:
    await tab.click("#begin")
    await until("the ledger fills", lambda: tab.number("#once"), lambda lines: lines > 1500)
    await kill_worker(report, tab)
    if await tab.number("#once") == 10_000:
        raise Failed("the storm was over before the worker was killed")
    await tab.until("!document.querySelector('#begin').disabled")
    report.tell(f"{await tab.text('#again')} messages were delivered again after the kill")
    figures = [await tab.number(f"#{name}") for name in ("sent", "once", "waiting", "lost", "doubled")]
    report.expect(
        "10,000 sent, 10,000 in the ledger, 0 waiting, 0 lost, 0 doubled", figures, [10_000, 10_000, 0, 0, 0]
    )


async def kill_worker(report: Report, tab: Tab) -> None:
    form = "document.querySelector('.worker')"
    before = await tab.evaluate(f"{form}.dataset.running")
    await tab.click(".worker button")
    after = await tab.until(f"{form}.dataset.state === 'running' && {form}.dataset.running")
    if not before or before == after:
        raise Failed(f"the worker was {before!r} before it was killed and {after!r} after that")
    report.tell(f"worker {before} was killed by its button, {after} has started")
