import ast
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy
import pytest

CLONE = Path(__file__).parents[1]
HEAVY = {"matplotlib", "cupy", "torch", "jupyterlab", "IPython", "pytest"}


def modules_after(statement):
    """Top-level modules that a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))


def test_importing_minidit_loads_nothing_that_takes_time():
    assert "minidit" in modules_after("import minidit")
    assert not modules_after("import minidit") & {"numpy", "PIL", "safetensors", "tqdm", "threadpoolctl"}


@pytest.mark.parametrize(
    "statement",
    ["import minidit", "from minidit import load", "import minidit.cli", "import minidit.files.clips, minidit.presets"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    assert not modules_after(statement) & HEAVY


def test_generating_needs_nothing_heavy(tiny_checkpoint):
    statement = f"from minidit import load; load({str(tiny_checkpoint)!r}).generate('the day sky')"
    loaded = modules_after(statement)
    assert "numpy" in loaded
    assert not loaded & HEAVY


@pytest.mark.install
def test_an_editable_install_is_found_from_the_folder_around_a_clone_named_minidit(tmp_path):
    clone, environment = tmp_path / "minidit", tmp_path / "environment"
    shutil.copytree(CLONE / "minidit", clone / "minidit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CLONE / name, clone)
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-e", clone], check=True)
    # The dependencies come from where these tests run.
    outside = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(numpy.__file__))}
    code = "from minidit import load; print(load.__module__); import minidit; print(minidit.__file__)"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, env=outside, capture_output=True, text=True)
    assert done.stdout.split() == ["minidit.generation.studio", str(clone / "minidit" / "__init__.py")], done.stderr


def test_what_the_package_offers_is_found():
    import minidit

    assert set(minidit.__all__) <= set(dir(minidit))
    assert minidit.load.__module__ == minidit.Studio.__module__ == "minidit.generation.studio"
    assert all(getattr(minidit, name).__name__ == name for name in minidit.__all__)


def test_editors_see_where_the_package_finds_what_it_offers():
    import minidit

    tree = ast.parse(Path(minidit.__file__).read_text(encoding="utf-8"))
    (seen,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.name: part.module for part in seen.body for alias in part.names}
    assert imported == minidit._HOMES and sorted(imported) == sorted(minidit.__all__)


def test_an_editor_completes_what_the_package_offers(tmp_path, monkeypatch):
    import jedi

    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path))  # at home, one may not be allowed to write
    project = jedi.Project(CLONE)

    def completed(text):
        return {name.name for name in jedi.Script(text, path=CLONE / "new.py", project=project).complete()}

    assert {"load", "save_clip", "Studio"} <= completed("from minidit import ")
    assert {"generate", "attention", "save"} <= completed("from minidit import load\nload().")


def test_a_name_that_the_package_has_not_is_an_attribute_error():
    import minidit

    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = minidit.lode


def test_the_lessons_page_names_things_that_exist():
    import importlib

    text = (CLONE / "lessons" / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(minidit\.[\w.]+)`", text))
    assert len(names) > 10
    for name in names:
        parent, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(parent), last) or importlib.import_module(name)
    worksheet = importlib.import_module("minidit.worksheet")
    steps = re.findall(r"`(step_\d+_\w+)`", text)
    assert len(steps) == 14
    assert all(hasattr(worksheet, step) for step in steps)


def test_the_lessons_page_leads_to_every_lesson_in_every_edition():
    text = (CLONE / "lessons" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\((\w+)/(\d\d_\w+)\.ipynb\)", text))
    sources = [path.stem for path in (CLONE / "lessons" / "source").glob("*.py")]
    assert linked == {(edition, name) for name in sources for edition in ("self_study", "classroom", "solutions")}


def test_the_verdict_on_the_lessons_page_is_what_the_check_says(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MINIDIT_PROGRESS", str(tmp_path / "progress"))
    text = (CLONE / "lessons" / "README.md").read_text(encoding="utf-8")
    code, verdict = re.search(r"```python\n([^`]*check\.\w+\([^`]*)```\n\n> (.*)\n", text).groups()
    exec(code, {})
    assert capsys.readouterr().out.split("\n")[0] == verdict
