"""The matrix-product floor: the products of a step, one after the other, and nothing else."""

import numpy as np

from minidit.benchmark.cases import fixed_inputs
from minidit.benchmark.task import TRAINING
from minidit.models.cost import matrix_products

# B, M, K, N = sizes of a product, (B, M, K) @ (B, K, N)


def products_of(task):
    """The MatrixProducts of a Task. Sampling embeds its prompts beforehand, so these are left out there."""
    inputs = fixed_inputs(task.case, task.batch)
    training = task.kind == TRAINING
    products = matrix_products(task.case.settings, task.batch, task.case.grid, inputs.words, training)
    return [product for product in products if training or not product.name.startswith("text_encoder.")]


def operands(product, rng):
    """Random left (B, M, K), right (B, K, N) and a place for the result (B, M, N), or all without B if it is 1.

    Each lies in memory as it does in the step, transposed or not; each product has its own, as in the step.
    """
    def matrix(rows, columns, transposed):
        shape = (product.batch, columns, rows) if transposed else (product.batch, rows, columns)
        array = rng.standard_normal(shape, dtype=np.float32)
        return array.swapaxes(1, 2) if transposed else array

    left = matrix(product.m, product.k, product.left_transposed)
    right = matrix(product.k, product.n, product.right_transposed)
    out = np.empty((product.batch, product.m, product.n), np.float32)
    return (left[0], right[0], out[0]) if product.batch == 1 else (left, right, out)


def floor_step(task):
    """A function that does the matrix products of the task."""
    rng = np.random.default_rng(0)
    everything = [operands(product, rng) for product in products_of(task)]

    def step():
        for left, right, out in everything:
            np.matmul(left, right, out=out)

    return step
