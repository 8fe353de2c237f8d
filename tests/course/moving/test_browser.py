"""What moves, moved in a real headless Chromium: in JupyterLab, in Notebook 7, and on the page of `minidit explore`."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

CLONE = Path(__file__).parents[3]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 180


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "there is no Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(1000 * SECONDS)
    yield page
    page.close()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def served(*command, folder=CLONE):
    """A server's address while it runs; {port} in the command stands for the port."""
    port = free_port()
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(CLONE)}
    words = [sys.executable, "-m", *(word.format(port=port) for word in command)]
    server = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        for _ in range(10 * SECONDS):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def jupyter(application, folder):
    options = ("--no-browser", "--port={port}", "--ServerApp.token=", "--ServerApp.password=", "--allow-root")
    with served(application, *options, folder=folder) as address:
        yield address


def pixels(canvas):
    return canvas.evaluate("canvas => canvas.toDataURL()")


def changed(page, canvas, before):
    """Waits until a canvas looks different; returns the milliseconds that it took."""
    begin = time.monotonic()
    while pixels(canvas) == before:
        assert time.monotonic() - begin < SECONDS, "the picture stays as it was"
        page.wait_for_timeout(5)
    return 1000 * (time.monotonic() - begin)


def wait_for_kernel(page, address):
    """Waits until the notebook's kernel listens: what is run before is lost."""
    give_up = time.monotonic() + SECONDS
    while not any(kernel["execution_state"] == "idle" for kernel in page.request.get(f"{address}/api/kernels").json()):
        assert time.monotonic() < give_up, "no kernel"
        page.wait_for_timeout(200)
    page.wait_for_timeout(1000)  # until the page has heard of it


@pytest.mark.parametrize("application", ["jupyterlab", "notebook"])
def test_the_picture_follows_the_slider_of_a_lesson(application, page, tmp_path):
    shutil.copy(CLONE / "lessons" / "solutions" / "04_add_noise.ipynb", tmp_path / "lesson.ipynb")
    with jupyter(application, tmp_path) as address:
        page.goto(f"{address}/{'lab/tree' if application == 'jupyterlab' else 'notebooks'}/lesson.ipynb")
        page.wait_for_selector(".jp-Notebook")
        wait_for_kernel(page, address)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells").first.click()
        page.wait_for_selector(".moving canvas", state="attached")
        moving = page.locator(".moving").first
        moving.scroll_into_view_if_needed()
        moving.get_by_role("button", name="pause").click()
        noised, slider = moving.locator("canvas").nth(1), moving.get_by_role("slider", name="t", exact=True)
        before = pixels(noised)
        slider.focus()
        page.keyboard.press("End")
        changed(page, noised, before)
        assert "t = 1" in moving.inner_text()


@pytest.fixture
def explore():
    with served("minidit", "explore", "--no-browser", "--port", "{port}") as address:
        yield address


def test_the_page_for_a_projector_plays_a_clip_and_follows_every_hand(explore, page):
    asked, errors = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(explore)
    page.get_by_role("button", name="pause the steps").click()  # it has begun by itself
    page.get_by_role("button", name="pause", exact=True).click()
    sampled, guess, attends, heads = (page.locator("#stage canvas").nth(i) for i in range(4))
    when, lit = page.get_by_label("denoising, step by step"), page.locator("[aria-current=step]")

    when.focus()
    page.keyboard.press("Home")
    assert lit.inner_text().split() == ["1", "prompt", "and", "time"]
    noise, nothing = pixels(sampled), pixels(guess)
    page.keyboard.press("End")
    changed(page, sampled, noise)
    changed(page, guess, nothing)
    assert lit.inner_text().startswith("14") and "put together" in page.locator(".said").inner_text()
    assert pixels(sampled) == pixels(guess)  # the clip itself

    for canvas, spot in ((attends, {"x": 5, "y": 5}), (heads, {"x": 60, "y": 5})):
        before = pixels(attends)
        canvas.click(position=spot)
        changed(page, attends, before)
    heads.focus()
    before = pixels(attends)
    page.keyboard.press("ArrowDown")
    changed(page, attends, before)

    page.get_by_role("button", name="self-attention").click()
    assert lit.inner_text().startswith("8")
    before = pixels(sampled)
    page.get_by_label("seed").fill("3")
    page.keyboard.press("Enter")
    changed(page, sampled, before)
    page.get_by_label("prompt", exact=True).fill("a plaid zeppelin")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:visible")
    assert "plaid" in page.get_by_role("alert").inner_text()
    assert {url.removeprefix(explore) for url in asked} == {"/", "/make"} and errors == []


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_window_and_a_projector(size, scheme, explore, chromium):
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(explore)
    page.wait_for_selector("#stage canvas")
    root = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert root == list(size)
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
