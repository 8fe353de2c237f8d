import json

import pytest

from minidit.errors import UserError
from minidit.experiments.ablation.folder import Options, ablate, effort_of, tasks_of
from minidit.experiments.ablation.variants import BASE, VARIANTS
from minidit.experiments.small import codec_path


@pytest.fixture
def done(monkeypatch, results):
    """Names of the tasks that were done, whose results are made up; seeds beyond the third have the first one's."""
    names = []

    def run_tasks(tasks, store, threads, progress=True):
        for task in tasks:
            names.append(task.name)
            if task.name == "codec":
                task.arguments[-1].write_bytes(b"")
                store.put(task.name, task.plan, {"psnr": 30})
            else:
                store.put(task.name, task.plan, results[task.name])

    monkeypatch.setattr("minidit.experiments.ablation.folder.run_tasks", run_tasks)
    return names


def test_the_codec_comes_first_and_then_every_variant_and_seed(tmp_path, done):
    page, tables = ablate(out=tmp_path, threads=2, progress=False)
    assert done[0] == "codec"
    assert sorted(done[1:]) == sorted(f"{name}/seed {seed}" for name in VARIANTS for seed in range(3))
    assert page == tmp_path / "README.md"
    text = page.read_text(encoding="utf-8")
    assert all(table in text for table in tables.values()) and "ablation.png" in text
    assert "54.0 core-minutes" in text  # 18 variants of 3 seeds, a minute each
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_what_is_there_is_not_trained_again(tmp_path, done):
    ablate(["rope"], tmp_path, seeds=1, progress=False)
    assert sorted(done) == ["base/seed 0", "codec", "rope/seed 0"]
    done.clear()
    ablate(["rope", "cross"], tmp_path, seeds=2, progress=False)
    assert sorted(done) == ["base/seed 1", "cross/seed 0", "cross/seed 1", "rope/seed 1"]
    done.clear()
    ablate(["rope", "cross"], tmp_path, seeds=2, progress=False)
    assert done == []
    ablate(["rope"], tmp_path, seeds=1, force=True, progress=False)
    assert sorted(done) == ["base/seed 0", "codec", "rope/seed 0"]
    assert set(json.loads((tmp_path / "ablation.json").read_text())["entries"]) == set(done)


def test_a_lost_codec_is_trained_again(tmp_path, done):
    ablate(["rope"], tmp_path, seeds=1, progress=False)
    codec_path(Options(tmp_path, False)).unlink()
    done.clear()
    ablate(["rope"], tmp_path, seeds=2, progress=False)
    assert done[0] == "codec"


def test_results_of_another_length_are_refused(tmp_path, done):
    ablate(["rope"], tmp_path, seeds=1, progress=False)
    with pytest.raises(UserError, match="holds .*seed 0, but measured in another way"):
        ablate(["rope"], tmp_path, seeds=1, steps=900, progress=False)


def test_an_unknown_variant_is_refused_before_anything_is_done(tmp_path, done):
    with pytest.raises(UserError, match='no variant "rotary"'):
        ablate(["rotary"], tmp_path / "new")
    assert not done and not (tmp_path / "new").exists()


def test_the_seeds_of_a_variant_have_the_same_plan_but_for_the_seed():
    effort = effort_of(quick=False, steps=None)
    one, two = tasks_of("cross", effort, 2, "codec")
    assert (one.name, two.name) == ("cross/seed 0", "cross/seed 1")
    assert one.plan == two.plan | {"seed": 0}
    assert one.plan["settings"]["dit"]["prompt"] == "cross"
    assert one.plan["training"]["steps"] < effort.training.steps == 800


def test_it_runs_from_the_codec_to_the_page(tmp_path):
    """In real processes, at its smallest."""
    page, tables = ablate(["time-token"], tmp_path, seeds=1, steps=2, quick=True, threads=2, progress=False)
    assert "far too small" in page.read_text(encoding="utf-8")
    assert list(tables) == ["The block", "Where the time of what is given enters"]
    entries = json.loads((tmp_path / "ablation.json").read_text())["entries"]
    assert set(entries) == {"codec", f"{BASE}/seed 0", "time-token/seed 0"}
    assert entries["time-token/seed 0"]["result"]["given_loss"] > 0
