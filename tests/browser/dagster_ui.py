"""Dagster's pages, as a person uses them: what to press, and what to wait for."""

from __future__ import annotations

from tests.browser.browser import Browser

LOCATION = "/locations/socialnlp_assets"


class DagsterUI:
    """The UI at `url`, in a browser."""

    def __init__(self, page: Browser, url: str) -> None:
        self.page, self.url = page, url

    def open(self, path: str, *texts: str) -> str:
        """What the page shows, once it shows all of `texts`."""
        self.page.open(f"{self.url}{path}")
        return self.page.wait_for_text(*texts)

    def materialise(self, job: str, hours: str, button: str) -> None:
        """Launch `hours` of a job: a partition's key, or [first...last]."""
        self.open(f"{LOCATION}/jobs/{job}", "Materialize all…")
        self.page.click("Materialize all…", "button")
        self.page.wait_for_text("Partition selection")
        self.page.click(selector="input[type=text]")
        self.page.type(hours)
        self.page.press("Tab")
        self.page.click(button, "button")
        self.page.wait_for("!document.body.innerText.includes('Partition selection')", "launch")

    def open_asset(self, asset: str, *texts: str, view: str = "overview") -> str:
        return self.open(f"/assets/{asset}?view={view}", *texts)

    def open_check(self, asset: str, check: str, hour: str) -> str:
        """The table of what the check expected of the hour, and what it found."""
        self.open(f"/assets/{asset}?view=checks&checkDetail={check}", "Execution history")
        self.page.click("Execution history")
        self.page.wait_for_text(hour)
        self.page.click(selector="button", row=hour)
        return self.page.wait_for_text("what to do")

    def open_newest_run(self, job: str) -> None:
        self.open(f"{LOCATION}/jobs/{job}/runs")
        self.page.wait_for(FIRST_RUN, "run of the job")
        self.page.open(f"{self.url}{self.page.evaluate(FIRST_RUN)}")

    def switch(self, sensor: str, on: bool) -> None:
        """Switch a sensor on or off, where it is not so already."""
        self.open(f"{LOCATION}/sensors/{sensor}", "Frequency")
        self.page.wait_for(SWITCH, "switch")
        if self.page.evaluate(f"{SWITCH}.checked") != on:
            self.page.click(selector="label:has(> input[type=checkbox])")
        self.page.wait_for(f"{SWITCH}.checked === {'true' if on else 'false'}", f"sensor switched to {on}")


FIRST_RUN = "[...document.querySelectorAll('a')].find(link => link.innerText.trim() === 'View')?.pathname"
SWITCH = "document.querySelector('label > input[type=checkbox]')"
