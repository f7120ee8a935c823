"""The console's page in a browser: a refusal is found, clicked and read, and a pasted assertion is taken apart."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from helseid_fn import Client as FunctionsClient
from helseid_fn import Organization, Refused
from standin import StandIn, jose
from tests.conftest import ROOT
from tests.support.deployment import CLIENT_ID, client_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
SCREENSHOTS = ROOT / "build" / "screenshots"
WAIT_SECONDS = 20
WINDOW = (1360, 860)

pytestmark = pytest.mark.skipif(
    (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
    reason="THE CONSOLE'S PAGE WAS NOT TESTED: install chromium and chromium-driver (apt-get install chromium chromium-driver)",
)


class Page:
    """The page in a browser, by what a person sees of it."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def find(self, selector: str) -> WebElement:
        """Wait for an element."""
        return WebDriverWait(self.browser, WAIT_SECONDS).until(lambda each: each.find_element(By.CSS_SELECTOR, selector))

    def rows(self) -> list[WebElement]:
        """Return the exchanges that are shown."""
        return [each for each in self.browser.find_elements(By.CSS_SELECTOR, ".exchange") if each.is_displayed()]

    def wait_for_rows(self, count: int) -> list[WebElement]:
        """Wait until so many exchanges are shown."""
        WebDriverWait(self.browser, WAIT_SECONDS).until(lambda _: len(self.rows()) == count)
        return self.rows()

    def detail(self) -> str:
        """Return the text of the chosen exchange."""
        return self.find("#detail").text

    def screenshot(self, name: str) -> None:
        """Take a picture of the page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('browser')}")
    with Chrome(options, Service(str(DRIVER))) as browser:
        browser.set_window_size(*WINDOW)
        yield browser


@pytest.fixture
def standin(jwk: dict[str, Any]) -> Iterator[StandIn]:
    with StandIn([client_of(jwk, other_parents=("313745392",))], console=True) as standin:
        yield standin


@pytest.fixture
def client(standin: StandIn, key_file: Path) -> FunctionsClient:
    return FunctionsClient(
        issuer=standin.issuer,
        client_id=CLIENT_ID,
        key=f"file:{key_file}",
        scopes={"nhn:test-public-samplecode/client-credentials"},
        organization=Organization("999977774", "999977776"),
    )


@pytest.fixture
def page(browser: Chrome, standin: StandIn) -> Page:
    browser.get(standin.console_url)
    page = Page(browser)
    page.find("#state.live")
    return page


def call_and_be_refused(standin: StandIn, client: FunctionsClient) -> None:
    """Make a call, and one for an organization that has not delegated."""
    api = client.api(standin.api_url)
    api.get()
    with pytest.raises(Refused):
        api.for_organization(Organization("123456789")).get()


def test_exchanges_appear_as_they_happen(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    assert page.rows() == []
    client.api(standin.api_url).get()
    rows = page.wait_for_rows(4)
    assert [row.find_element(By.CSS_SELECTOR, ".outcome b").text for row in rows] == ["200", "400", "200", "200"]
    assert "asks for a nonce" in rows[1].text


def test_a_refusal_is_found_clicked_and_read(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    call_and_be_refused(standin, client)
    page.wait_for_rows(5)
    page.find("#refused").click()
    (row,) = page.wait_for_rows(1)
    row.click()
    assert "Refused because 123456789 did not delegate to the supplier." in page.detail()
    assert "HelseID says invalid_request: HID-1001: The parent organization is not in the whitelist." in page.detail()
    checks = page.browser.find_elements(By.CSS_SELECTOR, ".checks li")
    assert [each.get_attribute("class") for each in checks[-2:]] == ["ok", "no"]
    assert "the assertion's jti is new" in [each.text for each in checks]
    page.find("#all").click()
    page.screenshot("console")


def test_the_claims_of_an_exchange_are_shown(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    client.api(standin.api_url).get()
    page.wait_for_rows(4)[2].click()
    detail = page.detail()
    assert "CLIENT ASSERTION" in detail
    assert "NO:ORGNR:999977774:999977776" in detail
    assert "iat + 5 s" in detail
    assert not [secret for secret in standin.secrets() if len(secret) > 20 and secret in page.browser.page_source]


def test_a_pasted_assertion_is_taken_apart(page: Page, standin: StandIn, jwk: dict[str, Any]) -> None:
    page.find("#open-inspector").click()
    now = int(standin.clock.now())
    header = {"typ": "client-authentication+jwt", "alg": jwk["alg"], "kid": jwk["kid"]}
    parties = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": f"{standin.issuer}/connect/token"}
    claims = {**parties, "iat": now, "nbf": now, "exp": now + 10, "jti": "a-jti-of-16-characters"}
    page.find("#pasted").send_keys(jose.sign(header, claims, ECKey.import_key(jwk)))
    page.find("#inspect").click()
    assert page.find("#inspected .no").text == "the assertion's aud is not the issuer"
    page.screenshot("inspector")


def test_the_page_is_used_with_the_keyboard_alone(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    client.api(standin.api_url).get()
    page.wait_for_rows(4)
    page.find("#open-inspector").send_keys(Keys.TAB)
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert "/.well-known/openid-configuration" in page.find("#detail h2").text


def test_the_page_asks_nothing_of_any_other_server(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    page.browser.get_log("performance")  # what the browser itself and other tests' pages asked for
    page.browser.refresh()
    client.api(standin.api_url).get()
    page.wait_for_rows(4)
    lines = [json.loads(line["message"])["message"] for line in page.browser.get_log("performance")]
    asked = [line["params"]["request"]["url"] for line in lines if line["method"] == "Network.requestWillBeSent"]
    assert asked
    assert {url for url in asked if url.startswith("http") and not url.startswith(standin.console_url)} == set()


def test_the_page_breaks_none_of_its_own_rules(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    call_and_be_refused(standin, client)
    page.wait_for_rows(5)[-1].click()
    faults = [line["message"] for line in page.browser.get_log("browser") if "favicon" not in line["message"]]
    assert faults == []


def test_dark_and_narrow_it_is_still_readable(page: Page, standin: StandIn, client: FunctionsClient) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    try:
        call_and_be_refused(standin, client)
        page.wait_for_rows(5)[-1].click()
        page.screenshot("console-dark")
        paper = page.find("body").value_of_css_property("background-color")
        assert paper == "rgba(20, 24, 26, 1)"
        page.browser.set_window_size(720, 860)
        page.screenshot("console-narrow")
        assert page.browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        page.browser.set_window_size(*WINDOW)
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
