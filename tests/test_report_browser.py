"""The page in a real browser: no errors, no network, hover, divider, keys, axes, dark mode."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from analysis.correlations import correlations, facts_of
from analysis.evidence import gather
from analysis.look import save
from analysis.report.page import write_page
from analysis.tables import build, load
from analysis.verdict_plots import forest
from analysis.verdicts import verdicts
from tests.rows import MODELS, build_run

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1200,1000",
)  # fmt: skip
# WCAG 2.1: contrast of every text with the nearest opaque background behind it
CONTRAST = """
const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = c => c.map(v => linear(v / 255))
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const parts = text => text.match(/[\\d.]+/g).map(Number);
const behind = e => {
  for (; e; e = e.parentElement) {
    const found = parts(getComputedStyle(e).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll(arguments[0])].filter(e => e.textContent.trim()).map(e => {
  const style = getComputedStyle(e);
  const ink = parts(e instanceof SVGElement ? style.fill : style.color).slice(0, 3);
  const [high, low] = [light(ink), light(behind(e))].sort((a, b) => b - a);
  return [e.tagName + " " + e.textContent.trim().slice(0, 40), (high + .05) / (low + .05)];
});
"""
TEXTS = (
    "h1, h2, h3, p, th, td, dt, dd, summary, nav a, label, .left, .right, #power text, #chart text"
)

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no browser here: apt-get install chromium chromium-driver",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = load(build_run(tmp_path_factory.mktemp("runs") / "quick", images=20))
    table = build(run, resamples=100)
    evidence = gather(run, table, resamples=100)
    pairs = correlations(evidence, facts_of(run, evidence.pictures))
    answers = verdicts(evidence)
    drawn = {"verdicts": save(forest(answers), run.path / "analysis" / "verdicts")[0]}
    return write_page(run, table, answers, pairs, drawn)


@pytest.fixture(scope="module")
def browser(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, Service(DRIVER))
    try:
        driver.get(report.as_uri())
        WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.CSS_SELECTOR, "#chart svg"))
        yield driver
    finally:
        driver.quit()


def one(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def many(browser: Chrome, selector: str) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def script(browser: Chrome, text: str, *arguments: object) -> Any:
    return browser.execute_script(text, *arguments)


def show(browser: Chrome, selector: str) -> WebElement:
    found = one(browser, selector)
    script(browser, "arguments[0].scrollIntoView({block: 'center'})", found)
    return found


def test_it_opens_without_errors_and_without_network(browser: Chrome) -> None:
    wrong = [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
    assert not wrong
    loaded = script(browser, "return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith("data:") for name in loaded)
    broken = "return [...document.images].filter(i => i.src && !i.naturalWidth).length"
    assert script(browser, broken) == 0


def test_hovering_a_point_shows_its_picture(browser: Chrome) -> None:
    show(browser, "#chart")
    points = many(browser, "#chart g.mark-symbol.role-mark path")
    assert len(points) == len(MODELS)
    assert len(many(browser, "#chart g.mark-rule.role-mark line")) == 2 * len(MODELS)
    ActionChains(browser).move_to_element(points[0]).perform()
    shown = WebDriverWait(browser, 5).until(
        lambda d: [i for i in many(d, "#vg-tooltip-element img") if i.is_displayed()]
    )
    assert str(shown[0].get_attribute("src")).startswith("data:image/webp")
    assert any(name in one(browser, "#vg-tooltip-element").text for name in MODELS)


def test_axes_switch_and_say_so(browser: Chrome) -> None:
    def titles() -> list[str]:
        return [e.text for e in many(browser, "#chart .role-axis-title text")]

    def places() -> list[str | None]:
        found = many(browser, "#chart g.mark-symbol.role-mark path")
        return [e.get_attribute("transform") for e in found]

    before = places()
    assert any("fooling rate" in title for title in titles())
    choice = Select(show(browser, "#chart .vega-bindings select"))
    choice.select_by_value("log_auc")
    WebDriverWait(browser, 5).until(lambda _: "log auc" in titles())
    assert places() != before
    choice.select_by_value("fooling")


def test_the_divider_moves_by_keys_and_by_mouse(browser: Chrome) -> None:
    divider, compare = one(browser, "#divider"), show(browser, "#compare")

    def clip() -> str:
        return str(script(browser, "return document.getElementById('over').style.clipPath"))

    divider.send_keys(Keys.ARROW_RIGHT)
    assert divider.get_attribute("value") == "51" and "49%" in clip()
    divider.send_keys(Keys.HOME)
    assert "100%" in clip()
    mouse = ActionChains(browser).move_to_element_with_offset(compare, -80, 0).click_and_hold()
    mouse.move_by_offset(160, 0).release().move_by_offset(-100, 0).perform()
    assert 72 <= int(str(divider.get_attribute("value"))) <= 78  # let go at three quarters
    assert script(browser, "return document.getElementById('bar').style.left") == "75%"


def test_models_are_chosen_with_their_spectra(browser: Chrome) -> None:
    def lines() -> list[str | None]:
        return [e.get_attribute("points") for e in many(browser, "#power polyline")]

    before = lines()
    assert all(before) and before[0] != before[1]
    other = "densenet_c10.standard"
    Select(show(browser, "#left")).select_by_visible_text(other)
    assert lines()[0] != before[0]
    assert other in str(one(browser, "#over").get_attribute("alt"))
    assert other in str(
        script(browser, "return document.querySelector('#power title').textContent")
    )
    drawn = script(browser, "return document.querySelector('#power-left').getBBox().width")
    assert drawn > 300
    assert len(many(browser, "#power-marks text")) == 4


def test_enter_enlarges_a_picture_and_escape_closes_it(browser: Chrome) -> None:
    button = show(browser, "#gallery button.zoom:has(img[data-model])")
    small = button.find_element(By.TAG_NAME, "img")
    button.send_keys(Keys.ENTER)
    large = one(browser, "#zoomed")
    assert large.is_displayed() and large.get_attribute("alt") == small.get_attribute("alt")
    assert large.size["width"] > 2 * small.size["width"]
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert not large.is_displayed()


def test_a_model_s_section_opens_by_keys_with_its_pictures(browser: Chrome) -> None:
    summary = show(browser, "details.model summary")
    summary.send_keys(Keys.ENTER)
    section = one(browser, "details.model[open]")
    pictures = section.find_elements(By.TAG_NAME, "img")
    assert len(pictures) == 3 and all(p.is_displayed() for p in pictures)
    assert all(str(p.get_attribute("src")).startswith("data:image") for p in pictures)
    summary.send_keys(Keys.ENTER)
    link = show(browser, '#models ~ .scroll a[href$="inception_c10.standard"]')
    link.send_keys(Keys.ENTER)
    target = one(browser, 'details[data-name="inception_c10.standard"]')
    WebDriverWait(browser, 5).until(lambda _: target.get_attribute("open"))


def test_everything_that_acts_is_reached_by_tab(browser: Chrome) -> None:
    blocked = script(
        browser,
        "return [...document.querySelectorAll('button, select, input, summary, a[href]')]"
        ".filter(e => e.tabIndex < 0).length",
    )
    assert blocked == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes(browser: Chrome, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    paper = script(browser, "return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    found = script(browser, CONTRAST, TEXTS)
    assert len(found) > 100
    faint = [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5]
    assert not faint


def test_it_prints_without_what_only_a_screen_can_use(browser: Chrome) -> None:
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert len(printed) > 10_000
    hidden = "return getComputedStyle(document.querySelector('form')).display"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert script(browser, hidden) == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert script(browser, hidden) != "none"


def test_nothing_went_wrong_meanwhile(browser: Chrome) -> None:
    assert not [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
