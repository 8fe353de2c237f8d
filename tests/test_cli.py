import os
import subprocess
import sys
from unittest import mock

import pytest

from minidit.cli import COMMANDS, main
from minidit.commands import worksheet
from minidit.worksheet import STEPS

NAMES = [module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS]


def minidit(*words):
    return subprocess.run([sys.executable, "-m", "minidit", *words], capture_output=True, text=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_each_command_ends_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"example: minidit {name}")


def test_without_a_command_the_help_lists_them_all(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"\n    {name} " in out for name in NAMES)
    assert out.splitlines()[-1] == 'example: minidit generate "a red circle moves right in the day sky"'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], 'this needs PROMPT. For example: minidit generate "a red circle'),
        (["the day sky", "--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
        (["the day sky", "--steps", "2.5"], '--steps: "2.5" is not a whole number of at least 1'),
        (["the day sky", "--steps", "9" * 5000], "is not a whole number of at least 1"),
        (["the day sky", "--count", "0"], '--count: "0" is not a whole number of at least 1'),
        (["the day sky", "--seed", "-1"], '--seed: "-1" is not a whole number of at least 0'),
        (["the day sky", "--seed", "one"], '--seed: "one" is not a whole number of at least 0'),
        (["the day sky", "--guidance", "nan"], '--guidance: "nan" is not a finite number'),
        (["the day sky", "--guidance", "inf"], '--guidance: "inf" is not a finite number'),
        (["the day sky", "--guidance", "much"], '--guidance: "much" is not a finite number'),
        (["the day sky", "--colour", "red"], "I don't understand --colour red."),
        (["the day sky", "--seed"], "minidit: --seed needs a value. See: minidit generate --help"),
        (["the day sky", "--sede", "3"], "Did you mean --seed? See: minidit generate --help"),
        (["a", "red", "circle"], 'put the prompt in quotes: minidit generate "a red circle"'),
        (
            ["--seed", "3", "a", "circle", "left", "of", "a", "square", "-o", "my clip.gif"],
            "minidit generate --seed 3 \"a circle left of a square\" -o 'my clip.gif'",
        ),
    ],
)
def test_an_impossible_argument_is_answered_with_one_line_and_status_2(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("minidit: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["genrate", "a red circle", "--seed", "3"], "minidit generate 'a red circle' --seed 3"),
        (["trian"], "minidit train"),
        (["gpu_plan"], "minidit gpu-plan"),
        (["help", "trian"], "minidit train --help"),
        (["a red circle moves right"], 'minidit generate "a red circle moves right"'),
    ],
)
def test_an_unknown_command_is_answered_with_what_was_meant(words, meant, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.endswith(f". Did you mean: {meant}\n")


def test_a_command_that_resembles_none_is_answered_with_all_of_them(capsys):
    assert main(["zeppelin"]) == 2
    err = capsys.readouterr().err
    assert err.startswith('minidit: there is no command "zeppelin".')
    assert all(name in err for name in NAMES)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["animate", "a.png", "a", "red", "circle"], 'minidit animate a.png "a red circle"'),
        (["edit", "a.gif", "a", "blue", "circle", "--force"], 'minidit edit a.gif "a blue circle" --force'),
        (["extend", "a.gif", "a", "blue", "circle"], 'minidit extend a.gif "a blue circle"'),
        (["loop", "the", "day", "sky"], 'minidit loop "the day sky"'),
    ],
)
def test_a_prompt_without_quotes_is_shown_with_them(words, meant, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == f"minidit: put the prompt in quotes: {meant}\n"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_shown_in_an_example(name, capsys):
    command = next(module for module in COMMANDS if module.__name__.endswith(name.replace("-", "_")))
    with mock.patch.object(command, "run"):
        status = main([name])
    if status:
        assert "minidit: this needs " in (err := capsys.readouterr().err)
        assert command.EXAMPLE in err


@pytest.mark.parametrize("words", [[], ["train"]])
def test_help_is_a_command_too(words, capsys):
    said = []
    for asked in (["help", *words], [*words, "--help"]):
        with pytest.raises(SystemExit) as end:
            main(asked)
        assert end.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != ""


def test_ctrl_c_ends_with_status_130_and_no_traceback(monkeypatch, capsys):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(worksheet, "run", interrupt)
    assert main(["worksheet"]) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip() == "minidit: stopped."


def test_a_mistake_in_the_program_is_not_passed_off_as_the_users(monkeypatch):
    def fail(arguments):
        raise ValueError("shapes differ")

    monkeypatch.setattr(worksheet, "run", fail)
    with pytest.raises(ValueError, match="shapes differ"):
        main(["worksheet"])


@pytest.mark.parametrize("words", [["--foo"], ["-x"], ["--verson"]])
def test_an_option_without_a_command_is_answered_too(words, capsys):
    assert main(words) == 2
    meant = " Did you mean --version?" if words == ["--verson"] else ""
    assert capsys.readouterr().err == f"minidit: I don't understand {words[0]}.{meant} See: minidit help\n"


@pytest.mark.parametrize("words", [["generate", "", "-o", "{}.gif"], ["loop", "", "-o", "{}.gif"]])
def test_a_name_that_no_file_can_have_is_a_users_mistake(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = 300 * "a"
    assert main([word.format(name) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("minidit: ") and f"{name}.gif" in said and said.count("\n") == 1


def test_a_reader_that_leaves_early_causes_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "minidit", "worksheet"]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert process.returncode == 141
    assert process.stderr == ""


def test_the_process_ends_with_status_and_streams_as_main_says(tmp_path, tiny_checkpoint):
    options = ["--checkpoint", tiny_checkpoint, "-o"]
    good = minidit("generate", "the day sky", *options, tmp_path / "sky.gif")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith(str(tmp_path / "sky.gif"))
    bad = minidit("generate", "the plaid sky", *options, tmp_path / "plaid.gif")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.startswith('minidit: I don\'t know the word "plaid".')
    assert [path.name for path in tmp_path.iterdir()] == ["sky.gif"]


def test_the_worksheet_has_all_fourteen_steps(capsys):
    assert main(["worksheet"]) == 0
    out = capsys.readouterr().out
    assert all(step in out for step in STEPS)


@pytest.mark.parametrize(("encoding", "product"), [("utf-8", "·"), ("ascii", "*")])
def test_the_worksheet_is_plain_where_the_terminal_is(encoding, product):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "minidit", "worksheet"]
    process = subprocess.run(command, env=environment, capture_output=True, encoding=encoding)
    assert process.returncode == 0, process.stderr
    assert product in process.stdout


def test_the_version_is_the_packages():
    import minidit as package

    assert minidit("--version").stdout == f"minidit {package.__version__}\n"
