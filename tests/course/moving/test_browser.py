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
SECONDS = 120


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
    errors = []
    page.on("pageerror", errors.append)
    yield page
    page.close()
    assert errors == []


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


@pytest.mark.parametrize("application", ["jupyterlab", "notebook"])
def test_the_picture_follows_the_slider_of_a_lesson(application, page, tmp_path):
    if application == "notebook":
        pytest.importorskip("notebook")
    shutil.copy(CLONE / "lessons" / "solutions" / "04_add_noise.ipynb", tmp_path / "lesson.ipynb")
    with jupyter(application, tmp_path) as address:
        page.goto(f"{address}/{'lab/tree' if application == 'jupyterlab' else 'notebooks'}/lesson.ipynb")
        page.wait_for_selector(".jp-Notebook")
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells >> nth=0")
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
