import json
import shutil

import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.experiments import folder, scalability, small
from minidit.experiments.folder import CLAIMS, measure_claims
from minidit.experiments.store import Store

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
        module = CLAIMS[name]
        assert f"## {module.TITLE}" in page and f"![{module.ALT}]({module.FILE})" in page
        assert all(sentence in page for sentence in said[name])
        with Image.open(out / module.FILE) as image:
            assert image.format == "PNG" and image.width >= 1900
        assert f"`minidit claims {name}`" in page
    assert not list((out / small.STATES).iterdir())
    assert json.loads((out / folder.RESULTS).read_text())["quick"] is True


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
    data = json.loads((whole[0] / folder.RESULTS).read_text())
    lost = [name for name in data["entries"] if name.startswith("robustness/weights")]
    for name in lost:
        del data["entries"][name]
    (tmp_path / folder.RESULTS).write_text(json.dumps(data))
    done = []
    real = folder.run_tasks
    monkeypatch.setattr(folder, "run_tasks", lambda tasks, *rest: done.extend(tasks) or real(tasks, *rest))
    _, said = measure_claims(["robustness"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    assert sorted(task.name for task in done) == sorted(lost)
    assert said == {"robustness": whole[2]["robustness"]}


def test_another_checkpoint_is_refused_before_anything_is_lost(whole, tmp_path):
    before = (whole[0] / folder.RESULTS).read_bytes()
    with pytest.raises(UserError, match="measured in another way"):
        measure_claims(["robustness"], whole[0], None, quick=True, progress=False)
    assert (whole[0] / folder.RESULTS).read_bytes() == before


def test_force_forgets_the_named_claims_alone(tmp_path):
    store = Store(tmp_path / folder.RESULTS)
    store.put("robustness/a", {}, 1)
    store.put("scalability/b", {}, 2)
    states = tmp_path / small.STATES
    states.mkdir()
    for name in ("robustness-a", "scalability-b"):
        (states / f"{name}.safetensors").write_text("")
    folder.forget(store, tmp_path, ["robustness"])
    assert store.entries.keys() == {"scalability/b"}
    assert [file.name for file in states.iterdir()] == ["scalability-b.safetensors"]


def test_a_claim_that_is_measured_anew_and_not_finished_is_left_out_of_the_page(whole, tiny_checkpoint, tmp_path):
    for name in (folder.RESULTS, *(CLAIMS[name].FILE for name in MEASURED)):
        shutil.copy(whole[0] / name, tmp_path)
    store = Store(tmp_path / folder.RESULTS, quick=True)
    first = next(name for name in store.entries if name.startswith("scalability/"))
    entry = store.entries[first]
    folder.forget(store, tmp_path, ["scalability"])
    store.put(first, **entry)  # and then it was stopped
    page, said = measure_claims(["robustness"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    text = page.read_text(encoding="utf-8")
    assert list(said) == ["robustness"]
    assert CLAIMS["robustness"].TITLE in text and CLAIMS["generalisation"].TITLE in text
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
    data = json.loads((whole[0] / folder.RESULTS).read_text())
    del data["entries"][next(name for name in data["entries"] if name.startswith("scalability/"))]
    (tmp_path / folder.RESULTS).write_text(json.dumps(data))  # but no file of the codec
    done = []
    real = folder.run_tasks
    monkeypatch.setattr(folder, "run_tasks", lambda tasks, *rest: done.extend(tasks) or real(tasks, *rest))
    measure_claims(["scalability"], tmp_path, tiny_checkpoint, quick=True, progress=False)
    assert [task.name == "codec" for task in done] == [True, False]
