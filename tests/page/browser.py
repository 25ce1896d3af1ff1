"""A headless Chromium, and what a person does in it."""

import base64
import json
import os
import shutil
import time
import urllib.request
from pathlib import Path

import axe_playwright_python
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WAIT_SECONDS_MAX = 15
# The rules that axe checks: WCAG 2.2 to level AA, and what its makers call best practice.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Browser:
    def __init__(self, url):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        arguments = ["--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,1000"]
        # Chromium's sandbox does not run as root.
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        for argument in arguments:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # Named, so that selenium does not look for a driver on the internet.
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.url = url

    def open(self):
        self.driver.get(self.url)
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"), "the page to be ready")

    def close(self):
        self.driver.quit()

    def post(self, path, body, headers=None):
        """Sends a request past the page, as a shell would."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def show(self, width, height, scheme):
        """Sets the window's size, as a phone's below 600, and whether the person likes it dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, until, what):
        end = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            try:
                if until():
                    return
            except (NoSuchElementException, StaleElementReferenceException):
                pass
            assert time.monotonic() < end, f"waited {WAIT_SECONDS_MAX} s for {what}"
            time.sleep(0.05)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((found) => found.innerText)", selector)

    def has_text(self, selector, text):
        self.wait(lambda: text in self.text(selector), f"{selector} to say {text!r}")

    def click(self, selector):
        """Clicks where a person would, and waits until it is done."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()
        self.idle()

    def click_label(self, control):
        """Clicks the words beside a switch or radio button."""
        self.click(f"label:has({control})")

    def button(self, name, within="body"):
        """Clicks the button of that accessible name."""
        found = [known for known in self.find_all(f"{within} button") if known.accessible_name.startswith(name)]
        assert found, f"there is no button {name!r} in {within}"
        self.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", found[0])
        found[0].click()
        self.idle()

    def idle(self):
        self.wait(lambda: self.find("main").get_attribute("aria-busy") == "false", "the page to be done")

    def slide(self, name, value):
        """Moves a slider by keys, as far as it takes."""
        slider = self.find(f"#slider-{name}")
        now, step = int(slider.get_property("value")), int(slider.get_property("step"))
        key = Keys.ARROW_RIGHT if value > now else Keys.ARROW_LEFT
        slider.send_keys(key * (abs(value - now) // step))
        assert int(slider.get_property("value")) == value, f"{name} is {slider.get_property('value')}"

    def press(self, key):
        """Presses a key, wherever the focus is."""
        ActionChains(self.driver).send_keys(key).perform()

    def tab_to(self, selector, presses_max=80):
        """Presses Tab until an element has the focus."""
        for _ in range(presses_max):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by Tab")

    def violations(self):
        """The violations of axe's rules on the present page."""
        if not self.run("return Boolean(window.axe)"):
            self.run(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text())
        script = """
            const done = arguments[1];
            axe.run({ runOnly: arguments[0] }).then(done, (error) => done({ error: String(error) }));"""
        result = self.driver.execute_async_script(script, AXE_TAGS)
        assert "error" not in result, result
        assert len(result["passes"]) > 20, "axe looked at next to nothing"
        return [f"{rule['id']}: {node['html'][:160]}" for rule in result["violations"] for node in rule["nodes"]]

    def screenshot(self, file):
        file = Path(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        file.write_bytes(base64.b64decode(shot["data"]))

    def console(self):
        """Takes the console's messages since the last call."""
        return self.driver.get_log("browser")
