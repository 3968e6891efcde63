import asyncio
import base64
from pathlib import Path
from typing import Any

from demo_project.checking.chromium import Chromium
from demo_project.checking.report import Failed, until

CENTRE = """(() => {
  const element = document.querySelector(%r);
  if (!element || element.disabled) return null;
  element.scrollIntoView({block: "center"});
  const {x, y, width, height} = element.getBoundingClientRect();
  return width && [x + width / 2, y + height / 2];
})()"""


class Tab:
    """One page in the browser. What it complains about is in ``problems``."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self.browser = browser
        self.session = session
        self.problems: list[str] = []

    @classmethod
    async def open(cls, browser: Chromium, url: str, *, width: int = 1280, height: int = 860) -> "Tab":
        target = await browser.ask("Target.createTarget", url="about:blank")
        attached = await browser.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = cls(browser, attached["sessionId"])
        browser.listeners[tab.session] = tab.hear
        for domain in ("Page", "Runtime", "Log", "DOM"):
            await tab.ask(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await tab.ask("Emulation.setDeviceMetricsOverride", **size)
        await tab.go(url)
        return tab

    async def to_front(self) -> None:
        """A tab behind another one is slowed down."""
        await self.ask("Page.bringToFront")

    async def ask(self, method: str, **params: Any) -> Any:
        return await self.browser.ask(method, session=self.session, **params)

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """Exceptions, and what the browser itself says: refused by the policy, not found, …"""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", details).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            self.problems.append(f"{entry['text']} {entry.get('url', '')}")

    async def go(self, url: str) -> None:
        gone = await self.ask("Page.navigate", url=url)
        if gone.get("errorText"):
            raise Failed(f"{url}: {gone['errorText']}")
        await self.until("document.readyState === 'complete'")

    async def reload(self) -> None:
        await self.evaluate("window.isOld = true")
        await self.ask("Page.reload")
        await self.until("!window.isOld && document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self.ask("Runtime.evaluate", **asked)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        return await until(expression, lambda: self.evaluate(expression))

    async def text(self, selector: str) -> str:
        return str(await self.evaluate(f"document.querySelector({selector!r}).textContent"))

    async def number(self, selector: str) -> int:
        return int((await self.text(selector)).replace(",", ""))

    async def click(self, selector: str) -> None:
        """Where it is on the screen: what is hidden or disabled cannot be pressed."""
        x, y = await until(f"{selector} can be pressed", lambda: self.evaluate(CENTRE % selector))
        mouse = {"x": x, "y": y, "button": "left", "clickCount": 1}
        await self.ask("Input.dispatchMouseEvent", type="mousePressed", **mouse)
        await self.ask("Input.dispatchMouseEvent", type="mouseReleased", **mouse)

    async def type(self, selector: str, text: str) -> None:
        await self.click(selector)
        await self.ask("Input.insertText", text=text)

    async def choose_file(self, selector: str, path: Path) -> None:
        root = await self.ask("DOM.getDocument")
        found = await self.ask("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
        await self.ask("DOM.setFileInputFiles", files=[str(path)], nodeId=found["nodeId"])

    async def picture(self, path: Path, scheme: str) -> None:
        scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme_feature])
        await asyncio.sleep(0.3)  # colours change gently
        shot = await self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
