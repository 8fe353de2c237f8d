import os

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minidit.cli import main
from minidit.commands.arguments import available_cores, blas_threads


def threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_matrix_products_have_as_many_threads_as_asked_for_and_then_as_before():
    with threadpool_limits(2):
        with blas_threads(1):
            assert threads() == {1}
        assert threads() == {2}
        with blas_threads(None):
            assert threads() == {2}


def test_the_available_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert available_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


@pytest.mark.parametrize("command", ["generate", "evaluate"])
def test_threads_are_what_a_model_is_sampled_with(command, tiny_model, tmp_path, monkeypatch):
    from minidit.evaluation import evaluate
    from minidit.generation import studio

    seen = []

    def note(*_, **__):
        seen.append(threads())
        raise KeyboardInterrupt

    monkeypatch.setattr(studio, "load_model", lambda _: tiny_model)
    monkeypatch.setattr(studio.Studio, "generate", note)
    monkeypatch.setattr(evaluate, "evaluate", note)
    words = ["the day sky", "-o", str(tmp_path / "sky.gif")] if command == "generate" else []
    for wanted in ("1", "2"):
        assert main([command, *words, "--threads", wanted]) == 130
    assert seen == [{1}, {2}]
    assert main([command, *words, "--threads", "none"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "the day sky", "--count", "100000000"], "is too large: at most 10,000"),
        (["generate", "the day sky", "--threads", "1000000000"], "at most 1,024"),
        (["extend", "a.gif", "--forward", "1000000000"], "at most 4,096"),
        (["evaluate", "--prompts", "1000000000"], "at most 10,000"),
        (["explore", "--port", "65536"], "at most 65,535"),
        (["grade", ".", "-o", "grades.csv", "--memory", "1e300"], "is not a number above 0, up to a billion"),
    ],
)  # fmt: skip
def test_absurd_numbers_are_refused_before_anything_is_made_of_them(words, said, capsys):
    assert main(words) == 2
    assert said in capsys.readouterr().err
