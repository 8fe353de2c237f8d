"""How fast a GPU is: our kernels against CuPy's, against what the card can do at best, and a step against PyTorch's."""

import itertools
from functools import partial
from time import perf_counter

import numpy as np
from tqdm import tqdm

from minidit import layers
from minidit.backend.device import choose_device, described
from minidit.backend.kernels import gated_residual, gelu
from minidit.backend.kernels.launch import plain_kernels
from minidit.benchmark.cases import CASES, fixed_model
from minidit.benchmark.contenders import pytorch_is_installed
from minidit.benchmark.ours import ADAMW, LEARNING_RATE, FixedBatch
from minidit.benchmark.timing import interleave, spread
from minidit.gpu.operations import OPERATIONS, Size, on_device
from minidit.training.optimizer import adamw_ema_update
from minidit.training.state import TrainingState
from minidit.training.steps import Member

LARGE = Size(16, 256, 384, 6)  # DiT-S on pictures of 256 x 256 pixels, 16 at a time
MANY_TOKENS = Size(2, 2048, 384, 6)  # attention that a GPU would rather do block by block
ROUND = 5e-3  # seconds that a round should take at least
ONE_CALL = 0  # seconds of a round that is a single call

# R = rounds


def run(xp, rounds, cases, compiled=True, large=LARGE, many_tokens=MANY_TOKENS, progress=True):
    """Measures everything.

    Args:
        xp: array library of the device.
        rounds: R, of each comparison.
        cases: names from `minidit.benchmark.cases.CASES`, whose training steps are timed.
        compiled: time `torch.compile` as well, where PyTorch is installed.
        large, many_tokens: sizes of the arrays of single operations.
        progress: show a bar.
    Returns:
        a JSON-able dict: `device`; `copy`, bytes a second, and `multiply`, multiply-accumulates a second; `operations`
        and `steps`, lists of dicts.
    """
    copy, multiply = copy_rate(xp, rounds), multiply_rate(xp, rounds)
    work = work_by_name(large, many_tokens)
    with tqdm(total=len(work) + len(cases), desc="bench", disable=not progress) as bar:

        def counted(results):
            for result in results:
                bar.update()
                yield result

        return {
            "device": described(xp),
            "copy": copy,
            "multiply": multiply,
            "operations": [*counted(operations(xp, rounds, large, many_tokens, work))],
            "steps": [*counted(training_steps(xp, CASES[name], rounds, compiled) for name in cases)],
        }


def copy_rate(xp, rounds, size=2**26):
    """Bytes that the device reads and writes in a second, as it copies `size` numbers."""
    source, target = xp.ones(size, np.float32), xp.empty(size, np.float32)

    def copy():
        target[...] = source

    return 2 * source.nbytes / np.median(race(xp, {"copy": copy}, rounds)["copy"])


def multiply_rate(xp, rounds, size=4096):
    """Multiply-accumulates of the device in a second, in a product of two matrices of this size."""
    a, b = xp.ones((size, size), np.float32), xp.ones((size, size), np.float32)
    return size * size * size / np.median(race(xp, {"product": lambda: a @ b}, rounds)["product"])


def race(xp, contestants, rounds):
    """Seconds a call (R,) of each contestant, name -> function; they take turns.

    The clock is the device's: two events around the calls of a round.
    """

    def clock(call):
        def seconds(calls):
            begin, end = xp.cuda.Event(), xp.cuda.Event()
            begin.record()
            for _ in range(calls):
                call()
            end.record()
            end.synchronize()
            return xp.cuda.get_elapsed_time(begin, end) / 1000, 0.0  # and nothing is known of processor time

        return seconds

    return raced({name: clock(call) for name, call in contestants.items()}, rounds, ROUND)


def raced(clocks, rounds, round_seconds):
    """Seconds a call (R,) of each, by the wall clock."""
    return {name: times.wall for name, times in interleave(clocks, rounds, round_seconds).items()}


def operations(xp, rounds, large, many_tokens, work):
    """Each kernel against the expression that it stands for: dicts with the name, seconds, and its `work`."""
    for name, kernel, plain in contests(xp, large, many_tokens):

        def in_plain(plain=plain):
            with plain_kernels():
                plain()

        times = race(xp, {"kernel": kernel, "plain": in_plain}, rounds)
        yield {
            "name": name,
            "kernel": spread(times["kernel"]),
            "plain": spread(times["plain"]),
            "ratio": spread(times["kernel"] / times["plain"]),
        } | work[name]


def contests(xp, large, many_tokens):
    """Name, what runs the kernel, and what runs the plain expression."""
    sizes = dict.fromkeys(("softmax", "layernorm_modulate", "attention", "embedding", "mse, weighted"), large)
    sizes |= {"blockwise_attention": many_tokens}
    for operation in OPERATIONS:
        size = sizes.get(operation.name)
        if size is None:
            continue
        rng = np.random.default_rng(0)
        inputs = on_device(operation.inputs(rng, size), xp, np.float32)
        y, cache = operation.forward(*inputs)
        with plain_kernels():
            _, plain_cache = operation.forward(*inputs)
        dy = xp.asarray(rng.standard_normal(y.shape, dtype=np.float32)) if y.ndim else 1.0

        forward = partial(operation.forward, *inputs)
        if operation.name != "embedding":  # looking up has no kernel of ours
            yield f"{operation.name}, forward", forward, forward
        backward = partial(operation.backward, dy)
        yield f"{operation.name}, backward", partial(backward, cache), partial(backward, plain_cache)
    yield from without_products(xp, large)
    vectors = [xp.ones(large.width * large.width * 144, np.float32) for _ in range(5)]  # DiT-S has this many
    norm = xp.ones((), np.float32)

    update = partial(adamw_ema_update, *vectors, 1, LEARNING_RATE, ADAMW, 0.999, norm, 1.0)
    yield "AdamW and moving average", update, update


def without_products(xp, size):
    """The kernels that come after a matrix product, by themselves."""
    rng = np.random.default_rng(0)
    B, T, D = size.batch, size.tokens, size.width

    def on(*shape):
        return xp.asarray(rng.standard_normal(shape, dtype=np.float32))

    h, b, dh = on(B, T, 4 * D), on(4 * D), on(B, T, 4 * D)
    _, cache = gelu.bias_gelu_forward(h, b)
    _, plain_cache = layers.gelu_forward(h + b)

    def plain_backward():
        dx = layers.gelu_backward(dh, plain_cache)
        dx.sum(axis=(0, 1))

    yield "bias and GELU, forward", lambda: gelu.bias_gelu_forward(h, b), lambda: layers.gelu_forward(h + b)
    yield "bias and GELU, backward", lambda: gelu.bias_gelu_backward(dh, cache), plain_backward

    x, branch, bias, gate = on(B, T, D), on(B, T, D), on(D), on(B, D)
    _, gate_cache = gated_residual.bias_gated_residual_forward(x, branch, bias, gate)
    _, plain_gate_cache = layers.gated_residual_forward(x, branch + bias, gate)

    def plain_gate_backward():
        _, dh, _ = layers.gated_residual_backward(x, plain_gate_cache)
        dh.sum(axis=(0, 1))

    yield (
        "bias, gate and residual, forward",
        lambda: gated_residual.bias_gated_residual_forward(x, branch, bias, gate),
        lambda: layers.gated_residual_forward(x, branch + bias, gate),
    )
    yield (
        "bias, gate and residual, backward",
        lambda: gated_residual.bias_gated_residual_backward(x, gate_cache),
        plain_gate_backward,
    )


def work_by_name(large, many_tokens):
    """What each kernel has to do: the bytes that it moves and, of attention, its multiply-accumulates.

    The bytes are counted on the simulated GPU.
    """
    simulated, work = choose_device("simulated"), {}
    with simulated.kernels_left_out(), np.errstate(all="ignore"):
        for name, kernel, _ in contests(simulated, large, many_tokens):
            with simulated.count() as count:
                kernel()
            moved = sum(launch.bytes_read + launch.bytes_written for launch in count.launches)
            size = many_tokens if name.startswith("blockwise") else large
            products = {"attention, forward": 2, "attention, backward": 4}.get(name.removeprefix("blockwise_"), 0)
            scores = size.batch * size.tokens * size.tokens * size.width
            work[name] = {"bytes": moved, "multiply_accumulates": products * scores}
    return work


def training_steps(xp, case, rounds, compiled):
    """Seconds of a training step: with our kernels, with CuPy's, and PyTorch's where that has the GPU."""
    step = our_training_step(xp, case)

    def plain_step():
        with plain_kernels():
            step()

    contestants = {"ours": step, "plain CuPy": plain_step} | pytorch_steps(xp, case, compiled)
    return {"case": case.name} | {name: spread(times) for name, times in by_the_clock(xp, contestants, rounds).items()}


def our_training_step(xp, case):
    """A function that trains on the case's fixed batch for one step, as `minidit train` does."""
    job = FixedBatch(case, shards=1)
    member, numbers = Member(job, TrainingState.start(fixed_model(case).params.flat, xp)), itertools.count()
    return lambda: member.step(next(numbers))


def pytorch_steps(xp, case, compiled):
    """PyTorch's training steps by name; none where it is not installed, or has no GPU."""
    if xp.__name__ != "cupy" or not pytorch_is_installed():
        return {}
    from minidit.benchmark.pytorch import steps_on_gpu

    return steps_on_gpu(case, compiled)


def by_the_clock(xp, contestants, rounds):
    """Seconds a call (R,) of each, by the host's clock, from one moment at which the device is idle to the next."""

    def clock(step):
        def seconds(calls):
            xp.cuda.Device().synchronize()
            begin = perf_counter()
            for _ in range(calls):
                step()
                xp.cuda.Device().synchronize()
            return perf_counter() - begin, 0.0

        return seconds

    return raced({name: clock(step) for name, step in contestants.items()}, rounds, ONE_CALL)
