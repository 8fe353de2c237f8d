import json

import pytest

from minidit import cli
from minidit.commands import steps


@pytest.fixture
def measure(monkeypatch, tiny_checkpoint):
    """Runs a very small `minidit steps`, with the tiny checkpoint as the shipped one."""
    from minidit.generation import studio

    load = studio.load
    monkeypatch.setattr(studio, "load", lambda path=None, device=None: load(path or tiny_checkpoint, device))
    monkeypatch.setattr(cli, "COMMANDS", (steps,))
    return lambda *words: cli.main(["steps", *map(str, words), "--prompts", "3"])


def test_a_table_of_the_shipped_model_is_printed(measure, capsys):
    assert measure("--steps", "1", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["percent,", "by", "steps", "1", "2"]
    assert lines[1].startswith("shipped, seen: right")


def test_several_models_are_written_as_json(measure, tiny_checkpoint, tmp_path, capsys):
    file = tmp_path / "steps.json"
    assert measure("shipped", tiny_checkpoint, "--steps", "1", "--seed", "4", "--json", file) == 0
    measured = json.loads(file.read_text())
    assert (measured["prompts"], measured["seed"], measured["steps"]) == (3, 4, [1])
    assert [model["name"] for model in measured["models"]] == ["shipped", str(tiny_checkpoint)]
    first, second = measured["models"]
    assert first["seen"] == second["seen"]
    assert str(tiny_checkpoint) in capsys.readouterr().out


def test_a_file_is_replaced_only_by_force(measure, tmp_path, capsys):
    file = tmp_path / "steps.json"
    file.write_text("mine")
    assert measure("--steps", "1", "--json", file) == 2
    assert "exists already. Replace it by --force" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert measure("--steps", "1", "--json", file, "--force") == 0
    assert json.loads(file.read_text())["steps"] == [1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.safetensors"], "there is no checkpoint nowhere.safetensors"),
        (["shipped", "shipped"], "a checkpoint was named twice"),
        (["--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
    ],
)
def test_a_mistake_is_one_sentence(words, said, measure, capsys):
    assert measure(*words) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1
    assert captured.out == ""
