from pathlib import Path

import pytest

from minidit.cli import Parser, main
from minidit.commands import claims


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for: a list of the arguments, each time. Nothing is measured."""
    calls = []

    def stub(*arguments):
        calls.append(arguments)
        return Path("claims/README.md"), {"robustness": (["Confirmed.", "By far."], ["| a |"])}

    monkeypatch.setattr("minidit.experiments.folder.measure_claims", stub)
    monkeypatch.setattr("minidit.commands.arguments.available_cores", lambda: 5)
    return calls


def typed(*words):
    command = Parser(prog="minidit claims")
    claims.add_arguments(command)
    claims.run(command.parse_args(words))


def test_by_default_all_are_measured_of_the_shipped_model_on_all_cores(asked, capsys):
    typed()
    assert asked == [([], Path("claims"), None, False, 1, 5, False)]
    assert capsys.readouterr().out == "robustness:\n  Confirmed.\n  By far.\nclaims/README.md\n"


def test_every_option_is_handed_on_and_quick_numbers_are_called_so(asked, capsys):
    typed(*"robustness scalability --out here --checkpoint model --quick --seeds 3 --threads 2 --force".split())
    assert asked == [(["robustness", "scalability"], Path("here"), Path("model"), True, 3, 2, True)]
    assert capsys.readouterr().out.startswith("Measured with --quick: far too small to judge anything by.\n")


def test_the_command_measures(tiny_checkpoint, tmp_path, capsys):
    out = tmp_path / "claims"
    words = ["--checkpoint", str(tiny_checkpoint), "--out", str(out), "--quick", "--threads", "1"]
    assert main(["claims", "robustness", *words]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == str(out / "README.md")
    assert "points of prompt accuracy for" in captured.out
    assert {file.name for file in out.iterdir()} == {"claims.json", "README.md", "robustness.png"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["beauty"], 'there is no claim "beauty"'),
        (["--seeds", "0"], '--seeds: "0" is not a whole number of at least 1'),
        (["--checkpoint", "nothing.safetensors"], "there is no checkpoint nothing.safetensors"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["claims", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert list(tmp_path.iterdir()) == []
