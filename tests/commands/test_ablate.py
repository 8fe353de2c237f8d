from pathlib import Path

import pytest

from minidit.cli import Parser
from minidit.commands import ablate
from minidit.errors import UserError


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for: a list of the arguments, each time. Nothing is trained."""
    calls = []

    def stub(*arguments):
        calls.append(arguments)
        return Path("ablation/README.md"), {"ablation": (["It is better."], ["## The block\n\n| a | table |"])}

    monkeypatch.setattr("minidit.experiments.folder.measure_ablation", stub)
    monkeypatch.setattr("minidit.commands.arguments.available_cores", lambda: 5)
    return calls


def typed(*words):
    command = Parser(prog="minidit ablate")
    ablate.add_arguments(command)
    ablate.run(command.parse_args(words))


def test_by_default_all_are_trained_from_three_seeds_on_all_cores(asked, capsys):
    typed()
    assert asked == [(None, Path("ablation"), 3, None, 5, False, False)]
    assert capsys.readouterr().out == "It is better.\n\n## The block\n\n| a | table |\n\nablation/README.md\n"


def test_every_option_is_handed_on(asked):
    typed(*"--only rope cross --out here --seeds 5 --steps 90 --threads 2 --quick --force".split())
    assert asked == [(["rope", "cross"], Path("here"), 5, 90, 2, True, True)]


@pytest.mark.parametrize("words", ["--seeds 0", "--steps none", "--threads -1", "--only"])
def test_numbers_and_names_must_make_sense(asked, words):
    with pytest.raises(UserError, match="See: minidit ablate --help"):
        typed(*words.split())
    assert not asked


def test_an_unknown_variant_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match='there is no variant "rotary". Choose from: base'):
        typed("--only", "rotary", "--out", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_its_help_lists_the_variants():
    notes = ablate.add_arguments(Parser(prog="minidit ablate"))
    assert "  rope            RoPE\n" in notes
