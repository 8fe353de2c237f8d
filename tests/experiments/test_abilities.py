from itertools import product

import pytest

from minidit.experiments import abilities
from minidit.experiments.abilities import (
    GRIDS,
    MEANS,
    SHARES,
    SIZES,
    SPLITS,
    USES,
    draw,
    measure,
    sentences,
    tables,
    tasks,
)
from minidit.experiments.tasks import Options
from minidit.files import accepted
from minidit.models.checkpoint import save_model


@pytest.fixture(scope="module")
def measured(tiny_marked_model, tmp_path_factory):
    """Everything, measured on two clips each."""
    path = tmp_path_factory.mktemp("marked") / "tiny.safetensors"
    save_model(path, tiny_marked_model)
    return {f"abilities/{use}/{split}": measure(path, 2, use, split) for use in USES | SIZES for split in SPLITS}


def test_every_use_and_size_is_a_task_on_both_splits(tmp_path):
    options = Options(tmp_path, tmp_path / "model", "abc", completes=True)
    names = [task.name for task in tasks(options)]
    assert len(names) == len(set(names)) == 2 * (len(USES) + len(SIZES))
    assert {(8, (32, 32)), *GRIDS} == set(product(accepted.MADE, accepted.SIZES)) and len(SIZES) == len(GRIDS)
    assert tasks(Options(tmp_path, tmp_path / "model", "abc", completes=False)) == []


def test_every_measure_has_its_words(measured):
    for result in measured.values():
        assert result["measures"] and result["measures"].keys() <= SHARES.keys() | MEANS.keys()


def test_the_tables_have_a_line_for_each(measured):
    uses, sizes = tables(measured)
    assert all(f"| {use} |" in uses for use in USES)
    assert sizes.count("\n") == len(SIZES) + 1
    assert "| 8 frames of 48 x 32 |" in sizes


def test_the_sentences_say_what_share_is_right(measured):
    right = {"share": 0.5, "interval": [0.1, 0.9], "clips": 2}
    changed = {
        name: result | {"measures": {"right": right}}
        for name, result in measured.items()
        if result["use"] in SIZES
    }
    verdict, unsure, right = sentences(changed)
    assert verdict.startswith(f"Undecided: of {len(SIZES)} uses and sizes, 0 are surely right in at least 90 % ")
    assert unsure.startswith("Not certain: 1 frames of 32 x 32, ")
    assert "other sizes than 8 frames of 32 x 32, 50.0 % are right, 50.0 to 50.0 %" in right


@pytest.mark.parametrize(
    ("interval", "said"),
    [([0.95, 1.0], "Confirmed: of 2 "), ([0.2, 0.4], "Refuted: of 2 "), ([0.85, 0.95], "Undecided: of 2 ")],
)
def test_what_is_not_surely_right_often_is_named(interval, said, measured):
    some = {name: dict(result) for name, result in measured.items() if result["use"] in ("generate", "edit, sky")}
    fine = {"share": 1.0, "interval": [0.95, 1.0], "clips": 200}
    for result in some.values():
        result["measures"] = result["measures"] | {"right": fine, "as_asked": fine}
    some["abilities/edit, sky/held out"]["measures"]["as_asked"] = fine | {"interval": interval}
    first, *others = sentences(some)
    assert first.startswith(said)
    names = {"R": ["Surely less often: edit, sky."], "U": ["Not certain: edit, sky."], "C": []}[said[0]]
    assert others == names


def test_the_figure_is_a_png(measured):
    assert draw(measured).startswith(b"\x89PNG")


def test_the_unmeasured_is_left_out(measured):
    some = {name: result for name, result in measured.items() if result["use"] in ("generate", "edit, sky")}
    uses, _ = tables(some)
    assert "| generate |" in uses and "| film |" not in uses
    assert abilities.by_use(some, USES).keys() == {"generate", "edit, sky"}
