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
