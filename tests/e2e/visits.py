"""What the tests of the pages share: a visit that notices what is wrong."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.async_api import ConsoleMessage, Error, Page, expect

Scheme = Literal["light", "dark"]
# How long a page is waited for, in ms. Where all is well it costs nothing; and where a machine is
# ten times slower than another, that is no fault of the page.
PATIENCE_MS = 60_000
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass  # without slots: Playwright leaves an attribute on whoever listens
class Visit:
    """One page in a browser of its own: no other visit's login, storage or history."""

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()  # how complaints begin that are none

    def forgive_answers(self, *statuses: int) -> None:
        """Let pass, now and later, what Chromium says of such answers of the server."""
        said = "Failed to load resource: the server responded with a status of"
        self.forgive(*(f"{said} {status}" for status in statuses))

    def forgive(self, *begins: str) -> None:
        """Let pass, now and later, what Chromium says of trouble that the test itself made."""
        self.forgiven += begins
        self.complaints[:] = [each for each in self.complaints if not each.startswith(begins)]

    def watch(self) -> None:
        self.page.context.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _heard(self, message: ConsoleMessage) -> None:
        # "Am I signed in?" is asked at every start, and Chromium logs its 401 as an error.
        asked = message.location["url"].endswith("/api/v1/login") and "401" in message.text
        passes = asked or message.text.startswith(self.forgiven)
        if message.type in {"error", "warning"} and not passes:
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _asked(self, url: str) -> None:
        # What a page made of bytes it holds bears the host that it came from.
        if urlsplit(url.removeprefix("blob:")).netloc != self.host:
            self.strangers.append(url)

    async def leave(self) -> None:
        """Close the page's browser; what is cut off by that is no complaint."""
        with suppress(Error):  # it may have crashed, or be closed
            await self.page.evaluate("0")  # whatever it said before has arrived with this
        self.page.remove_listener("console", self._heard)
        with suppress(Error):
            # Else what answers in the server's place would go on, and fail as the page goes away.
            await self.page.unroute_all(behavior="ignoreErrors")
            await self.page.context.unroute_all(behavior="ignoreErrors")
        await self.page.context.close()

    async def sign_in(self, login: tuple[str, str]) -> None:
        name, password = login
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def barriers(self) -> str:
        """Return what axe finds on the page once it is drawn, as a report; empty: no barrier."""
        await expect(self.page.locator("h1").first).to_be_visible()
        found = await Axe().run(self.page, options={"runOnly": list(WCAG)})
        return str(found.generate_report()) if found.violations_count else ""


class Visitor(Protocol):
    async def __call__(
        self, url: str, *, scheme: Scheme = "light", width: int = 1280, height: int = 800
    ) -> Visit: ...
