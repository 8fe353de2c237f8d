import io

import pytest
from PIL import Image

from minidit.experiments.ablation.figure import ALT, GROUPS, draw, names_of
from minidit.experiments.ablation.report import by_variant
from minidit.experiments.ablation.variants import BASE, TARGET, VARIANTS


def size(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.size


def test_each_group_has_its_rows(results):
    found = by_variant(results)
    rows = [name for group in GROUPS for name in names_of(found, group)]
    assert sorted(rows) == sorted([*VARIANTS, BASE])  # the base once more, beside the targets
    assert names_of(found, TARGET)[0] == BASE
    few = {name: found[name] for name in (BASE, "rope")}
    assert names_of(few, TARGET) == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_it_grows_with_the_variants_and_needs_not_all_of_them(results, seeds):
    results = {key: value for key, value in results.items() if int(key[-1]) < seeds}
    few = {key: value for key, value in results.items() if key.startswith(("base/", "rope/"))}
    (width, height), (few_width, few_height) = size(draw(results)), size(draw(few))
    assert width == few_width and few_height < height / 2


def test_other_results_make_another_figure(results):
    before = draw(results)
    results["rope/seed 1"]["loss"] += 1
    assert draw(results) != before


def test_its_alt_text_says_what_is_seen():
    assert "95 % intervals" in ALT and "seeds" in ALT
