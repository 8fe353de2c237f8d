"""Reflow: few steps are enough if the path from noise to data is straight.

Training connects every clip with random noise by a line. Many such lines cross, and where they do, the network can only
learn their mean. So a sampler follows curves, and few steps cut the corners. But a sampler connects every noise with
one result, and the lines between *these* pairs hardly cross. A student that learns from them, by the usual loss, goes
almost straight, and one step takes it nearly as far as many steps.

It takes forward passes of the teacher and a mean squared error: the pairs are constants, and no gradient flows through
them. They are made with the teacher's guidance, so the student learns that too and needs no guidance itself.

Source: Liu, Gong & Liu 2022 (rectified flow), algorithm 1 ("reflow"); Liu et al. 2024 (InstaFlow), text-conditioned
reflow with guidance; Lee, Lin & Fanti 2024 (one round is enough, and the ends of the path deserve more training).
"""

from minidit.diffusion.objectives import sample_times


def reflow_times(rng, n, at_noise, mean, std):
    """Times at which the student is asked about its pairs: (n,) float32 in [0, 1].

    Args:
        rng: numpy.random.Generator.
        at_noise: the share that is exactly 0, where every sampler begins; a one-step sampler asks nowhere else.
        mean, std: mean and standard deviation of the others' logit, see `sample_times`.
    """
    times = sample_times(rng, n, mean, std)  # n
    times[rng.random(n) < at_noise] = 0
    return times
