"""Shows notebooks as JupyterLab does, in a browser without a window, and says what doesn't fit.

    pip install jupyterlab playwright
    python scripts/screenshot_lessons.py lessons/solutions/*.ipynb --out shots --browser /usr/bin/chromium

Writes each notebook as pictures of one screen's width, from the top to the bottom. Prints, by notebook and cell: what
is wider than its place, pictures without alt text, output on stderr, LaTeX that could not be set, and prose of more
than 120 words in a cell. Ends with status 1 if there is any of it.
"""

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

WIDTH, PAGE = 1280, 2000  # of a picture, in pixels
WORDS = 120
CELL = ".jp-Notebook .jp-Cell"
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # all cells are there, not only those in sight
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
LOOK = """cells => cells.map(cell => {
    const found = [];
    const wide = ".jp-RenderedHTMLCommon, .jp-RenderedText, .jp-RenderedImage, .jp-OutputArea-output, table, pre";
    for (const part of cell.querySelectorAll(wide))
        if (part.scrollWidth > part.clientWidth + 2 && part.clientWidth > 0)
            found.push(`${part.className || part.tagName}: ${part.scrollWidth} wide, room for ${part.clientWidth}`);
    for (const image of cell.querySelectorAll("img")) {
        if (!image.alt) found.push("a picture has no alt text");
        if (!image.complete || !image.naturalWidth) found.push("a picture is broken");
    }
    for (const code of cell.querySelectorAll(".jp-InputArea-editor .cm-scroller"))
        if (code.scrollWidth > code.clientWidth + 2) {
            const lines = [...code.querySelectorAll(".cm-line")].map(line => line.textContent);
            const longest = lines.reduce((a, b) => a.length >= b.length ? a : b, "");
            found.push(`code of ${longest.length} columns is cut off: ${longest.trim().slice(0, 60)}…`);
        }
    for (const error of cell.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr'], mjx-merror"))
        found.push(`${error.tagName}: ${error.textContent.slice(0, 80)}`);
    const prose = cell.classList.contains("jp-MarkdownCell") ? cell.querySelector(".jp-RenderedMarkdown") : null;
    if (prose) {
        const copy = prose.cloneNode(true);
        copy.querySelectorAll("details, pre, table, mjx-container, .MathJax").forEach(part => part.remove());
        const words = copy.textContent.split(/\\s+/).filter(word => /\\w/.test(word)).length;
        if (words > WORDS) found.push(`${words} words of prose`);
        if (/\\$[^$\\s][^$]*\\$/.test(copy.textContent)) found.push("LaTeX that was not set");
    }
    return found;
})""".replace("WORDS", str(WORDS))


def main():
    """Shows every notebook."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("shots"), help="folder for the pictures")
    parser.add_argument("--dark", action="store_true", help="in JupyterLab's dark theme")
    parser.add_argument("--browser", help="a Chromium; by default playwright's own")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    root = Path(os.path.commonpath([path.resolve().parent for path in arguments.notebooks]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server, address, token = start_jupyter(root, Path(home), arguments.dark)
        try:
            browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
            for path in arguments.notebooks:
                place = path.resolve().relative_to(root)
                wrong += show(browser, f"{address}/doc/tree/{place}?token={token}", path, arguments.out)
            browser.close()
        finally:
            server.terminate()
            server.wait()
    return 1 if wrong else 0


def start_jupyter(root, home, dark=False):
    """Starts JupyterLab with plain settings on a free port: the process, its address and its token."""
    settings = home / "settings"
    settings.mkdir()
    theme = {"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}} if dark else {}
    (settings / "overrides.json").write_text(json.dumps(SETTINGS | theme))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--port-retries=0",
        f"--notebook-dir={root}", f"--IdentityProvider.token={token}", f"--LabApp.app_settings_dir={settings}",
    ]  # fmt: skip
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data")}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=1)
            return server, address, token
        except OSError:
            time.sleep(0.5)
    server.terminate()
    raise SystemExit("JupyterLab does not answer")


def show(browser, address, path, out):
    """Takes the pictures of a notebook, and prints what is wrong with it; returns how much that is."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 900})
    page.goto(address)
    page.wait_for_selector(CELL, timeout=60_000)
    page.wait_for_timeout(4000)  # formulas are set, pictures drawn
    height = page.eval_on_selector(".jp-WindowedPanel-outer", "panel => panel.scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": int(height) + 150})
    page.wait_for_timeout(1500)
    for number, top in enumerate(range(0, int(height) + 150, PAGE)):
        clip = {"x": 0, "y": top, "width": WIDTH, "height": min(PAGE, int(height) + 150 - top)}
        page.screenshot(path=out / f"{path.stem}_{number:02}.png", clip=clip)
    found = page.eval_on_selector_all(CELL, LOOK)
    page.close()
    for cell, problems in enumerate(found):
        for problem in dict.fromkeys(problems):
            print(f"{path.stem}, cell {cell}: {problem}")
    print(f"{path.stem}: {len(found)} cells, {sum(map(len, found))} complaints")
    return sum(map(len, found))


if __name__ == "__main__":
    sys.exit(main())
