import json

import pytest

from minidit.backend import device
from minidit.cli import main


@pytest.fixture
def evaluate(tiny_checkpoint):
    """Runs a very small `minidit evaluate` on the tiny checkpoint."""
    few = ("--prompts", "4", "--seeds", "2", "--fitted", "2")
    return lambda *words: main(["evaluate", str(tiny_checkpoint), *few, *words])


def test_json_is_one_object_on_standard_output_and_nothing_else(evaluate, capsys):
    assert evaluate("--json", "--steps", "1", "--guidance", "1.5") == 0
    report = json.loads(capsys.readouterr().out)
    for name in ("right_seen", "right_held_out", "strict_seen", "strict_held_out"):
        low, high = report[f"{name}_interval"]
        assert 0 <= low <= report[name] <= high <= 1
    assert (report["prompts"], report["seeds"], report["steps"], report["guidance"]) == (4, 2, 1, 1.5)


def test_the_device_that_is_named_comes_to_the_same_scores(evaluate, capsys, monkeypatch):
    monkeypatch.setattr(device, "_announced", set())
    reports = []
    for name in ("cpu", "simulated"):
        assert evaluate("--json", "--steps", "1", "--device", name) == 0
        captured = capsys.readouterr()
        reports.append(json.loads(captured.out))
        assert captured.err.startswith("minidit: computing on ")
        assert ("a simulated GPU" in captured.err) == (name == "simulated")
    cpu, gpu = reports
    for name in ("right_seen", "right_held_out", "strict_seen", "strict_held_out", "attributes_seen"):
        assert gpu[name] == cpu[name], name


def test_the_environment_names_the_device_where_nobody_else_does(evaluate, capsys, monkeypatch):
    monkeypatch.setenv("MINIDIT_DEVICE", "tpu")
    assert evaluate() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert 'there is no device "tpu". Choose one of cpu, gpu, simulated' in captured.err


def test_by_default_a_table_is_printed(evaluate, capsys, tiny_checkpoint):
    assert evaluate() == 0
    out = capsys.readouterr().out
    assert out.startswith(str(tiny_checkpoint))
    assert "held-out combinations" in out


def test_what_is_printed_on_the_way_goes_to_standard_error(evaluate, capsys, monkeypatch):
    def talkative(model, **options):
        print("half way")
        return {"right_seen": 0.5}

    monkeypatch.setattr("minidit.evaluation.evaluate.evaluate", talkative)
    assert evaluate("--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"right_seen": 0.5}
    assert "half way" in captured.err


def test_a_mistake_leaves_standard_output_empty(capsys, tmp_path):
    assert main(["evaluate", str(tmp_path / "nothing.safetensors"), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "there is no checkpoint" in captured.err


@pytest.mark.parametrize("option", ["--prompts", "--seeds", "--fitted", "--steps"])
def test_an_impossible_number_is_refused(option, capsys):
    assert main(["evaluate", option, "0"]) == 2
    assert f'{option}: "0" is not a whole number of at least 1' in capsys.readouterr().err


def test_other_wordings_are_measured_instead(tiny_checkpoint, capsys):
    assert main(["evaluate", str(tiny_checkpoint), "--wordings", "--prompts", "20", "--steps", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["outside_seen"]["clips"] == 20 and 0 <= report["without_color"]["entropy"]["color"] <= 1
    assert main(["evaluate", str(tiny_checkpoint), "--wordings", "--prompts", "3"]) == 2
    assert "at least 20" in capsys.readouterr().err
