import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.experiments import folder, scalability, small
from minidit.experiments.folder import ABLATION, CLAIMS, EXPERIMENTS, measure_ablation, measure_claims
from minidit.experiments.store import Store
from minidit.experiments.tasks import Options
from minidit.experiments.variants import BASE, VARIANTS

MEASURED = ("scalability", "generalisation", "expressiveness", "robustness")


@pytest.fixture(scope="module")
def whole(tiny_checkpoint, tmp_path_factory):
    """All claims of a model that knows nothing, --quick: the folder, the page and what is said."""
    out = tmp_path_factory.mktemp("claims")
    page, said = measure_claims(out=out, checkpoint=tiny_checkpoint, quick=True, threads=2, progress=False)
    return out, page.read_text(encoding="utf-8"), said


def test_from_beginning_to_end(whole):
    out, page, said = whole
    assert tuple(said) == MEASURED  # abilities need a model that completes clips
    assert "--quick" in page and "too small to judge" in page
    for name in MEASURED:
        module = EXPERIMENTS[name]
        assert f"## {module.TITLE}" in page and f"![{module.ALT}]({module.FILE})" in page
        assert all(sentence in page for sentence in said[name][0])
        with Image.open(out / module.FILE) as image:
            assert image.format == "PNG" and image.width >= 1900
        assert f"`minidit claims {name}`" in page
    assert not list((out / small.STATES).iterdir())
    assert json.loads((out / CLAIMS.results).read_text())["quick"] is True


def test_what_is_there_is_only_drawn_anew(whole, tiny_checkpoint, monkeypatch):
    out, page, _ = whole
    done = []
    monkeypatch.setattr(folder, "run_tasks", lambda tasks, *_: done.extend(tasks))
    (out / scalability.FILE).unlink()
    measure_claims(out=out, checkpoint=tiny_checkpoint, quick=True, progress=False)
    assert done == []
    assert (out / scalability.FILE).exists()
    assert (out / folder.PAGE).read_text(encoding="utf-8") == page


def test_a_stopped_command_goes_on_with_what_is_missing(whole, tiny_checkpoint, tmp_path, monkeypatch):
    data = json.loads((whole[0] / CLAIMS.results).read_text())
    lost = [name for name in data["entries"] if name.startswith("robustness/weights")]
    for name in lost:
        del data["entries"][name]
    (tmp_path / CLAIMS.results).write_text(json.dumps(data))
    done = []
    real = folder.run_tasks
    monkeypatch.setattr(folder, "run_tasks", lambda tasks, *rest: done.extend(tasks) or real(tasks, *rest))
    _, said = measure_claims(["robustness"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    assert sorted(task.name for task in done) == sorted(lost)
    assert said == {"robustness": whole[2]["robustness"]}


def test_another_checkpoint_is_refused_before_anything_is_lost(whole, tmp_path):
    before = (whole[0] / CLAIMS.results).read_bytes()
    with pytest.raises(UserError, match="measured in another way"):
        measure_claims(["robustness"], whole[0], None, quick=True, progress=False)
    assert (whole[0] / CLAIMS.results).read_bytes() == before


def test_force_forgets_the_named_claims_alone(tmp_path):
    store = Store(tmp_path / CLAIMS.results)
    store.put("robustness/a", {}, 1)
    store.put("scalability/b", {}, 2)
    states = tmp_path / small.STATES
    states.mkdir()
    for name in ("robustness-a", "scalability-b"):
        (states / f"{name}.safetensors").write_text("")
    folder.forget(CLAIMS, store, tmp_path, ["robustness"])
    assert store.entries.keys() == {"scalability/b"}
    assert [file.name for file in states.iterdir()] == ["scalability-b.safetensors"]


def test_a_claim_that_is_measured_anew_and_not_finished_is_left_out_of_the_page(whole, tiny_checkpoint, tmp_path):
    for name in (CLAIMS.results, *(EXPERIMENTS[name].FILE for name in MEASURED)):
        shutil.copy(whole[0] / name, tmp_path)
    store = Store(tmp_path / CLAIMS.results, quick=True)
    first = next(name for name in store.entries if name.startswith("scalability/"))
    entry = store.entries[first]
    folder.forget(CLAIMS, store, tmp_path, ["scalability"])
    store.put(first, **entry)  # and then it was stopped
    page, said = measure_claims(["robustness"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    text = page.read_text(encoding="utf-8")
    assert list(said) == ["robustness"]
    assert EXPERIMENTS["robustness"].TITLE in text and EXPERIMENTS["generalisation"].TITLE in text
    assert scalability.TITLE not in text


def test_a_claim_that_the_model_has_nothing_for_is_refused_if_it_was_named(tiny_checkpoint, tmp_path):
    with pytest.raises(UserError, match="abilities can't be measured of .*tiny.safetensors, which makes whole clips"):
        measure_claims(["abilities"], tmp_path / "out", tiny_checkpoint, quick=True)
    assert not (tmp_path / "out").exists()


def test_an_unknown_claim_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match='no claim "beauty". Choose from: scalability, generalisation'):
        measure_claims(["beauty"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_cannot_be_read_is_told_at_once(tmp_path):
    with pytest.raises(UserError, match="there is no checkpoint"):
        measure_claims(out=tmp_path / "out", checkpoint=tmp_path / "nothing")
    assert not (tmp_path / "out").exists()


def test_a_lost_codec_is_trained_before_what_needs_it(whole, tiny_checkpoint, tmp_path, monkeypatch):
    data = json.loads((whole[0] / CLAIMS.results).read_text())
    del data["entries"][next(name for name in data["entries"] if name.startswith("scalability/"))]
    (tmp_path / CLAIMS.results).write_text(json.dumps(data))  # but no file of the codec
    done = []
    real = folder.run_tasks
    monkeypatch.setattr(folder, "run_tasks", lambda tasks, *rest: done.extend(tasks) or real(tasks, *rest))
    measure_claims(["scalability"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    assert [task.name == "codec" for task in done] == [True, False]


def test_all_experiments_have_the_same_shape_and_a_page():
    for experiment in EXPERIMENTS.values():
        assert experiment.TITLE and experiment.FILE.endswith(".png") and len(experiment.ALT) > 60
        assert all(map(callable, (experiment.tasks, experiment.sentences, experiment.tables, experiment.note)))
        assert callable(experiment.draw)
    assert sorted(CLAIMS.names + ABLATION.names) == sorted(EXPERIMENTS)
    assert len({experiment.FILE for experiment in EXPERIMENTS.values()}) == len(EXPERIMENTS)


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

    monkeypatch.setattr(folder, "run_tasks", run_tasks)
    return names


def test_the_codec_comes_first_and_then_every_variant_and_seed(tmp_path, done):
    page, said = measure_ablation(out=tmp_path, threads=2, progress=False)
    assert done[0] == "codec"
    assert sorted(done[1:]) == sorted(f"{name}/seed {seed}" for name in VARIANTS for seed in range(3))
    assert page == tmp_path / "README.md"
    text, (sentences, tables) = page.read_text(encoding="utf-8"), said["ablation"]
    assert all(part in text for part in (*sentences, *tables)) and "ablation.png" in text
    assert "Measured by `minidit ablate` in 57 core-minutes" in text  # 19 variants of 3 seeds, a minute each
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_a_variant_that_is_there_is_not_trained_again(tmp_path, done):
    measure_ablation(["rope"], tmp_path, seeds=1, progress=False)
    assert sorted(done) == ["base/seed 0", "codec", "rope/seed 0"]
    done.clear()
    measure_ablation(["rope", "cross"], tmp_path, seeds=2, progress=False)
    assert sorted(done) == ["base/seed 1", "cross/seed 0", "cross/seed 1", "rope/seed 1"]
    done.clear()
    measure_ablation(["rope", "cross"], tmp_path, seeds=2, progress=False)
    assert done == []
    measure_ablation(["rope"], tmp_path, seeds=1, force=True, progress=False)
    assert sorted(done) == ["base/seed 0", "codec", "rope/seed 0"]
    assert set(json.loads((tmp_path / "ablation.json").read_text())["entries"]) == set(done)


def test_a_lost_codec_is_trained_before_more_seeds(tmp_path, done):
    measure_ablation(["rope"], tmp_path, seeds=1, progress=False)
    small.codec_path(Options(tmp_path)).unlink()
    done.clear()
    measure_ablation(["rope"], tmp_path, seeds=2, progress=False)
    assert done[0] == "codec"


def test_variants_of_another_length_are_refused(tmp_path, done):
    measure_ablation(["rope"], tmp_path, seeds=1, progress=False)
    with pytest.raises(UserError, match="holds .*seed 0, but measured in another way"):
        measure_ablation(["rope"], tmp_path, seeds=1, steps=900, progress=False)


def test_an_unknown_variant_is_refused_before_anything_is_done(tmp_path, done):
    with pytest.raises(UserError, match='no variant "rotary"'):
        measure_ablation(["rotary"], tmp_path / "new")
    assert not done and not (tmp_path / "new").exists()


def test_an_ablation_runs_from_the_codec_to_the_page(tmp_path):
    """In real processes, at its smallest."""
    page, said = measure_ablation(
        ["time-token"], tmp_path, seeds=1, steps=2, quick=True, threads=2, progress=False
    )
    assert "far too small" in page.read_text(encoding="utf-8")
    titles = [table.splitlines()[0] for table in said["ablation"][1]]
    assert titles == ["## The block", "## Where the time of known latents enters"]
    entries = json.loads((tmp_path / "ablation.json").read_text())["entries"]
    assert set(entries) == {"codec", f"{BASE}/seed 0", "time-token/seed 0"}
    assert entries["time-token/seed 0"]["result"]["known_loss"] > 0


COMMITTED = Path(__file__).parents[2] / "figures"
SHIPPED = "ddd79c872d8f978e"  # the model whose abilities they are


@pytest.mark.parametrize(
    ("report", "name", "fingerprint", "seeds"), [(CLAIMS, "claims", SHIPPED, 1), (ABLATION, "ablation", "", 3)]
)
def test_the_committed_results_are_of_todays_plans(report, name, fingerprint, seeds):
    store = Store(COMMITTED / name / report.results)
    options = Options(COMMITTED / name, fingerprint=fingerprint, completes=True, seeds=seeds)
    tasks = [task for experiment in report.names for task in EXPERIMENTS[experiment].tasks(options)]
    assert all(store.get(task.name, task.plan) for task in tasks)
    assert {task.name for task in tasks} | {"codec"} == set(store.entries)
