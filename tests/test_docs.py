"""The pages: every block of commands or Python on them runs in the order given, and their links lead somewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[1]
CI = (CLONE / ".ci" / "run").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", *(str(page.relative_to(CLONE)) for page in sorted(CLONE.glob("docs/*.md")))]
PAGES += [f"lessons/{name}.md" for name in ("README", "teachers", "mathematics", "projects")]

# What takes a reader minutes or hours, or another program, runs here at its smallest: pattern and replacement.
SHORTER = [
    (r"python3 -m venv \.venv && \.venv/bin/pip install -q -e (\S+) && \.venv/bin/", ""),  # minidit is installed
    (r"pip install -q -e \S+", "true"),
    (r"\bpytest\b", "true"),  # this is pytest
    (r"minidit lessons", "minidit lessons --help"),  # opens JupyterLab
    (r"--preset (quick|sky|film|crisp)", "--preset tiny"),
    (r"--minutes \d+", "--steps 20"),
    (r"(--from \S+ --out \S+|--out runs/(?:sky|ranks))", r"\1 --steps 20"),
    (r"minidit evaluate", "minidit evaluate --prompts 5 --seeds 1"),
    (r"--steps 700", "--steps 2"),
    (r"minidit steps", "minidit steps --steps 1 --prompts 5"),
]


def blocks(page):
    """(language, text, why it isn't run or None) of every block of commands or Python on a page."""
    text = (CLONE / page).read_text(encoding="utf-8")
    pattern = r"(?:<!-- not run: ([^\n]+) -->\n+)?```(sh|python|powershell)\n(.*?)```"
    return [(language, block, why) for why, language, block in re.findall(pattern, text, re.DOTALL)]


def shorter(block):
    """A block as it is run here."""
    for pattern, replacement in SHORTER:
        block = re.sub(pattern, replacement, block)
    return block


@pytest.fixture
def clone(tmp_path):
    """A folder that looks like a fresh clone: what is made there stays there."""
    for path in CLONE.iterdir():
        if path.name not in ("runs", "build", ".venv", ".git"):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.docs
@pytest.mark.skipif(os.name == "nt", reason="the commands are bash's")
@pytest.mark.parametrize("page", [page for page in PAGES if any(not why for _, _, why in blocks(page))])
def test_every_block_of_a_page_runs_in_a_fresh_clone_in_the_order_given(page, clone, tmp_path):
    installed = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{installed}{os.pathsep}{os.environ['PATH']}", "MINIDIT_PROGRESS": str(tmp_path / "progress"),
    }
    for language, block, why in blocks(page):
        if not why:
            block = shorter(block)
            command = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
            done = subprocess.run(
                [*command, block], cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_what_runs_shorter_here_stands_on_a_page():
    everything = "".join(block for page in PAGES for _, block, why in blocks(page) if not why)
    assert [pattern for pattern, _ in SHORTER if not re.search(pattern, everything)] == []


def test_ci_runs_the_readmes_test_command():
    commands = re.findall(r"^python3 -m venv .*", (CLONE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    tests = [command for command in commands if "pytest" in command]
    assert len(tests) == 1
    assert tests[0] in CI


def test_ci_builds_the_site_with_the_command_that_is_documented():
    settings = (CLONE / "docs" / "conf.py").read_text(encoding="utf-8")
    command = re.search(r"^ +(sphinx-build .*)", settings, re.MULTILINE)[1]
    assert f".venv/bin/{command}" in CI


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_of_a_page_are_there(page):
    text = (CLONE / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not link.startswith("http") and not ((CLONE / page).parent / link).is_file()]
    assert missing == []


def test_extras_and_presets_on_the_pages_exist():
    import tomllib

    from minidit.presets import PRESETS

    extras = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    text = "".join((CLONE / page).read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r'pip install (?:-q )?-e "\.\[([\w-]+)\]"', text)) <= set(extras)
    assert set(re.findall(r"--preset ([a-z]+)", text)) <= set(PRESETS)


def test_the_readme_is_a_front_page():
    text = (CLONE / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1200


@pytest.fixture(scope="module")
def links():
    """The module that looks for broken links on the built site."""
    spec = importlib.util.spec_from_file_location("links", CLONE / "docs" / "links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def site(folder, **pages):
    """Writes pages of a site."""
    for name, body in pages.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")


def test_a_site_whose_links_and_anchors_are_there_has_no_broken_ones(links, tmp_path):
    site(
        tmp_path,
        index='<a href="lessons/one.html#the-step">1</a> <a href="#here">2</a><h2 id="here">x</h2> <a href="#">3</a>',
        lessons__one='<h2 id="the-step">1</h2><a href="../index.html?x#here">2</a><a href="../lessons/">3</a>',
        lessons__index='<img src="a%20b.png"> <a href="https://example.org/gone#x">1</a> <a href="mailto:a@b">2</a>',
    )
    (tmp_path / "lessons" / "a b.png").touch()
    assert links.broken_links(tmp_path) == []


@pytest.mark.parametrize(
    "link, why",
    [
        ('<a href="gone.html">', "there is no file for gone.html"),
        ('<a href="other.ipynb">', "there is no file for other.ipynb"),
        ('<img src="gone.png">', "there is no file for gone.png"),
        ('<a href="one.html#The-step">', "there is no anchor for one.html#The-step"),
        ('<a href="#gone">', "there is no anchor for #gone"),
    ],
)
def test_a_planted_broken_link_is_found(links, tmp_path, link, why):
    site(tmp_path, index=f"<p>{link}</p>", one='<h2 id="the-step">1</h2>')
    assert links.broken_links(tmp_path) == [f"index.html: {why}"]
