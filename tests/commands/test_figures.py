import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minidit.cli import main


@pytest.fixture
def drawn(monkeypatch):
    """Stands in for the drawing, and notes what was asked for."""
    calls = []
    figures = SimpleNamespace(draw_figures=lambda names, out, checkpoint: calls.append((names, out, checkpoint)))
    monkeypatch.setitem(sys.modules, "minidit.figures", figures)
    return calls


def test_by_default_all_figures_are_drawn_from_the_shipped_checkpoint(drawn):
    assert main(["figures"]) == 0
    assert drawn == [([], Path("figures"), None)]


def test_some_figures_of_another_checkpoint_go_to_another_folder(drawn):
    assert main(["figures", "clip", "samples", "--out", "there", "--checkpoint", "runs/quick"]) == 0
    assert drawn == [(["clip", "samples"], Path("there"), Path("runs/quick"))]
