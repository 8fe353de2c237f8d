"""The floor does the products of the step and of sampling, no more and no fewer."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.benchmark.products import floor_step, operands, products_of
from minidit.benchmark.task import SAMPLING, TRAINING, Task
from minidit.models import DiT
from minidit.models.cost import MatrixProduct, matrix_products

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from recorder import recorded, recording

pytestmark = pytest.mark.bench


@pytest.fixture
def multiplied(monkeypatch):
    """The list of products that the floor does: (left, right, out) of each."""
    done, matmul = [], np.matmul

    def noted(left, right, out):
        done.append((left, right, out))
        return matmul(left, right, out=out)

    monkeypatch.setattr(np, "matmul", noted)
    return done


def sizes(left, right):
    """(batch, m, k, n) of two shapes."""
    return (int(np.prod(left[:-2])), left[-2], left[-1], right[-1])


def is_vector(shape):
    """Whether one of its last two sizes is 1 or missing: products with such are means and sums."""
    return len(shape) == 1 or 1 in shape[-2:]


@pytest.mark.parametrize("kind", [TRAINING, SAMPLING])
def test_the_floor_does_what_the_formula_counts(case, kind, multiplied):
    task = Task(kind, case, 3)
    floor_step(task)()
    expected = products_of(task)
    assert [sizes(left.shape, right.shape) for left, right, _ in multiplied] == [
        (product.batch, product.m, product.k, product.n) for product in expected
    ]
    macs = sum(left.size * right.shape[-1] for left, right, _ in multiplied)
    assert macs == sum(product.multiply_accumulates for product in expected)


def test_in_training_it_is_the_whole_step(case):
    words = fixed_inputs(case).words
    assert products_of(Task(TRAINING, case, case.batch)) == matrix_products(
        case.settings, case.batch, case.grid, words, training=True
    )


def test_in_sampling_it_is_what_the_network_asks_of_numpy(case):
    inputs, model = fixed_inputs(case, 3), fixed_model(case)
    model = DiT(case.settings, buffer=recorded(model.params.flat))
    embedding = model.embed(inputs.condition)
    with recording() as calls:
        model.predict(recorded(inputs.x), recorded(inputs.t), embedding)
    shapes = [(call.inputs[0].shape, call.inputs[1].shape) for call in calls if call.name == "matmul"]
    asked = Counter(sizes(left, right) for left, right in shapes if not is_vector(left) and not is_vector(right))
    assert asked == Counter((p.batch, p.m, p.k, p.n) for p in products_of(Task(SAMPLING, case, 3)))


@pytest.mark.parametrize("left_transposed", [False, True])
@pytest.mark.parametrize("right_transposed", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_operands_lie_in_memory_as_the_product_says(batch, left_transposed, right_transposed, rng):
    product = MatrixProduct("it", batch, 4, 5, 6, left_transposed, right_transposed)
    left, right, out = operands(product, rng)
    leading = () if batch == 1 else (batch,)
    assert (left.shape, right.shape, out.shape) == ((*leading, 4, 5), (*leading, 5, 6), (*leading, 4, 6))
    assert {array.dtype for array in (left, right, out)} == {np.dtype(np.float32)}
    for array, transposed in ((left, left_transposed), (right, right_transposed), (out, False)):
        assert (array.swapaxes(-1, -2) if transposed else array).flags.c_contiguous
    np.testing.assert_allclose(np.matmul(left, right, out=out), left.astype(float) @ right.astype(float), atol=1e-5)


def test_every_product_has_memory_of_its_own(labelled, multiplied):
    floor_step(Task(TRAINING, labelled, 2))()
    arrays = [array for product in multiplied for array in product]
    addresses = {array.__array_interface__["data"][0] for array in arrays}
    assert len(addresses) == len(arrays)
