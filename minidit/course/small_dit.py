"""A very small DiT to try a student's functions on: its results show whether they fit into a network."""

import numpy as np

from minidit.course.using import using
from minidit.diffusion import RectifiedFlow, network_time, objectives
from minidit.models.dit import DiT, DiTSettings
from minidit.models.parameters import Parameters
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import PAD
from minidit.training import optimizer

# n = all parameters as one vector

SMALL = DiTSettings(
    in_channels=3, patch=(2, 1, 1), width=8, depth=1, num_heads=2,
    text=TextEncoderSettings(vocabulary_size=7, max_length=6, width=4, num_heads=2),
)  # fmt: skip
SMALL_LATENTS = (3, 2, 2, 3, 3)  # clips, frames, rows, columns, channels
SMALL_WORDS = ((1, 4, 5, 6), (1, 2, PAD, PAD), (1, PAD, PAD, PAD))  # the last is the empty prompt
LEARNING_RATE, LIMIT, DECAY = 0.01, 0.1, 0.9  # of the small DiT's two steps of AdamW
STEPS = 2


def small_network(dtype=np.float64):
    """The DiT of SMALL, with every parameter moved away from zero, because closed gates would hide mistakes."""
    network = DiT(SMALL, dtype=dtype)
    network.params.flat[...] = np.random.default_rng(15).normal(0, 0.4, network.params.flat.shape)
    return network


def small_batch(dtype=np.float64):
    """data and noise (SMALL_LATENTS), t (N,) and words (N, L)."""
    rng = np.random.default_rng(12)
    data, noise = rng.normal(size=(2, *SMALL_LATENTS)).astype(dtype)
    return data, noise, np.array([0.2, 0.5, 0.9], dtype), np.array(SMALL_WORDS)


def batch_gradients(network, data, noise, t, words):
    """Loss of a batch and its gradients by parameter name, computed by `minidit.diffusion`.

    Args:
        network: DiT that predicts the data.
        data, noise: (N, f, r, c, C).
        t: (N,), words: (N, L).
    """
    path = RectifiedFlow()
    prediction, cache = network.forward(path.noised(data, noise, t), network_time(t), words)
    loss, loss_cache = objectives.diffusion_loss_forward(prediction, "data", path, data, noise, t)
    _, grads = network.backward(objectives.diffusion_loss_backward(1.0, loss_cache), cache)
    return float(loss), grads


def small_run(functions, gradients_of=None, dtype=np.float64):
    """What the small DiT computes with these functions in place of minidit's.

    Args:
        functions: name -> function, for `minidit.using`.
        gradients_of: a function like `batch_gradients`, which is the default.
        dtype: float64, or float32.
    Returns:
        dict: "the prediction" in sampling, "the loss", and for the parameter NAME "the gradient of NAME", and after two
        steps of AdamW "NAME after 2 steps" and "the moving average of NAME", each in the shape of the parameter.
    """
    gradients_of = gradients_of or batch_gradients
    network, batch = small_network(dtype), small_batch(dtype)
    params, grads = network.params.flat, Parameters(network.params.shapes, dtype)
    m, v, average = np.zeros_like(params), np.zeros_like(params), params.copy()
    settings = optimizer.AdamWSettings(weight_decay=0.1)
    with using(**functions):
        data, noise, t, words = batch
        x = RectifiedFlow().noised(data, noise, t)
        prediction = network.predict(x, network_time(t), network.embed(words))
        for step in range(1, STEPS + 1):
            loss, by_name = gradients_of(network, *batch)
            grads.load(by_name)
            if step == 1:
                found = {"the prediction": prediction, "the loss": np.array(loss)}
                found |= {f"the gradient of {name}": grad.copy() for name, grad in grads.items()}
            optimizer.adamw_ema_update(
                params, grads.flat, m, v, average, step, LEARNING_RATE, settings, DECAY,
                float(grads.flat @ grads.flat), LIMIT,
            )  # fmt: skip
    found |= {f"{name} after {STEPS} steps": array.copy() for name, array in network.params.items()}
    params[...] = average
    return found | {f"the moving average of {name}": array.copy() for name, array in network.params.items()}
