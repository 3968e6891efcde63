"""The pictures in the README: the storm, its worker killed, at work again; and the inspector after some of them."""

import asyncio
import os
from pathlib import Path

from demo_project.checking.chromium import Chromium
from demo_project.checking.report import until
from demo_project.checking.tab import Tab

STORMS = 4  # before the inspector's picture
CALM = 40  # seconds from one to the next: charts go by minutes


async def take(browser: Chromium, address: str, folder: Path) -> None:
    tab = await Tab.open(browser, f"{address}storm/", width=1240, height=900)
    await tab.click("#begin")
    await until("the ledger fills", lambda: tab.number("#once"), lambda lines: lines > 2500)
    await tab.click(".worker button")
    await tab.until("document.querySelector('.worker').dataset.state === 'running'")
    await until("the ledger fills on", lambda: tab.number("#once"), lambda lines: lines > 6500)
    await tab.evaluate("scrollTo(0, 0)")
    await in_both_schemes(tab, folder, "demo")
    await storm_on(tab)
    await in_both_schemes(await inspector(browser, address), folder, "admin")


async def storm_on(tab: Tab) -> None:
    for _ in range(STORMS):
        await tab.click("#begin")
        await asyncio.sleep(CALM)


async def inspector(browser: Chromium, address: str) -> Tab:
    """The overview, by the one that ``demo.inspector`` lets in, while one more storm goes over it."""
    tab = await Tab.open(browser, f"{address}admin/actorqueues/overview/", width=1240, height=1100)
    await tab.type("#id_username", os.environ["DEMO_INSPECTOR"])
    await tab.type("#id_password", os.environ["DEMO_INSPECTOR_PASSWORD"])
    await tab.click("[type=submit]")
    storm = await Tab.open(browser, f"{address}storm/")
    await storm.click("#begin")
    await until("the ledger fills", lambda: storm.number("#once"), lambda lines: lines > 3000)
    await tab.to_front()
    await tab.until("document.querySelectorAll('.aq-chart canvas').length > 0")
    return tab


async def in_both_schemes(tab: Tab, folder: Path, name: str) -> None:
    await tab.picture(folder / f"{name}.png", "light")
    await tab.picture(folder / f"{name}-dark.png", "dark")
