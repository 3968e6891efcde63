"""``python -m demo_project.checking http://127.0.0.1:8000/``: goes through the pages. Exit code 1: a fault."""

import argparse
import asyncio
import sys
from pathlib import Path

from demo_project.checking import in_browser, over_wire, pictures
from demo_project.checking.chromium import Chromium, DoesNotStart, find_chromium
from demo_project.checking.report import Failed, Report


async def check(report: Report, address: str, path: str | None) -> None:
    """In Chromium; over HTTP and WebSocket where there is none that starts. Raises ``Failed``."""
    if path is not None:
        try:
            async with Chromium(path) as browser:
                return await in_browser.check_pages(report, browser, address)
        except DoesNotStart as error:
            report.tell(f"{error}: on over HTTP and WebSocket")
    return await over_wire.check_pages(report, address)


async def photograph(address: str, path: str | None, folder: Path) -> None:
    if path is None:
        raise Failed("there is no Chromium to take pictures with")
    async with Chromium(path) as browser:
        await pictures.take(browser, address, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--screenshots", type=Path)
    options = parser.parse_args()
    report, path = Report(), None if options.no_browser else find_chromium()
    try:
        if options.screenshots:
            asyncio.run(photograph(options.address, path, options.screenshots))
        else:
            asyncio.run(check(report, options.address, path))
    except (Failed, OSError) as error:
        report.complain(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
