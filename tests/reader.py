"""Someone who reads the book in a browser, and notices what goes wrong."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Reader:
    """A browser's page, and whatever went wrong on it or left this machine."""

    def __init__(self, browser, address: str, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)  # a test machine may be busy
        self.address, self.trouble = address, []
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", self.asked)
        self.page.on("response", self.answered)

    def heard(self, message) -> None:
        if message.type == "error":
            self.trouble.append(message.text)

    def asked(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(request.url)

    def answered(self, response) -> None:
        if response.status >= 400:
            self.trouble.append(f"{response.status} {response.url}")

    def open(self, place: str):
        self.page.goto(self.address + place, wait_until="load")
        return self.page

    def close(self) -> None:
        self.context.close()
        assert self.trouble == []
