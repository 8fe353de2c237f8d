"""Losses: one number that says how wrong, and its gradient. Those of the codec's training are here too."""

from minidit.backend import array_module
from minidit.backend.kernels.launch import on_gpu

# "..." = any shape, the same for all arrays of a pair. dloss is a number: 1.0 for the loss that is trained. It is made
# a Python float, because one float64 of NumPy's would turn a float32 network into float64.


@on_gpu("mse")
def mse_forward(prediction, target, weight=None):
    """Mean squared error: mean over all elements of weight · (prediction - target)².

    Args:
        prediction, target: (...).
        weight: None, or an array over the leading axes (one weight per sample, say); a constant, without
            gradient.
    Returns:
        loss, a number, and a cache for `mse_backward`.
    Raises:
        ValueError: if the shapes differ, or the weight's is not the beginning of theirs.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}")
    error = prediction - target                     # ...
    weighted = error                                # ...
    if weight is not None:
        if weight.shape != error.shape[: weight.ndim]:
            raise ValueError(f"weight has shape {weight.shape}, which does not begin {error.shape}")
        weight = weight.reshape(weight.shape + (1,) * (error.ndim - weight.ndim))  # leading, 1, …, 1
        weighted = error * weight.astype(error.dtype)
    loss = (weighted.reshape(-1) @ error.reshape(-1)) / error.size
    return loss, (weighted,)


def mse_backward(dloss, cache):
    """Returns dprediction (...), dtarget (...)."""
    dprediction = mse_gradient(dloss, cache)        # ...
    return dprediction, -dprediction


@on_gpu("mse")
def mse_gradient(dloss, cache):
    """Returns dprediction (...) alone, where the target is a constant."""
    (weighted,) = cache
    return weighted * (float(dloss) * 2 / weighted.size)  # ...


def gaussian_kl_forward(mean, log_variance):
    """How far a Gaussian is from the standard one: the mean of KL(N(mean, e^log_variance) || N(0, 1)).

    Args:
        mean, log_variance: (...).
    Returns:
        loss, a number in nats per element, and a cache for `gaussian_kl_backward`.
    Source: Kingma & Welling 2014, appendix B.
    """
    xp = array_module(mean)
    variance = xp.exp(log_variance)                 # ...
    loss = 0.5 * (mean * mean + variance - 1 - log_variance).mean()
    return loss, (mean, variance)


def gaussian_kl_backward(dloss, cache):
    """Returns dmean (...), dlog_variance (...)."""
    mean, variance = cache
    dloss = float(dloss)
    dmean = mean * (dloss / mean.size)              # ...
    dlog_variance = (variance - 1) * (dloss * 0.5 / mean.size)  # ...
    return dmean, dlog_variance


def reparameterize_forward(mean, log_variance, noise):
    """A sample of a Gaussian that gradients can pass: z = mean + e^(log_variance / 2) · noise.

    Args:
        mean, log_variance: (...).
        noise: (...), from the standard Gaussian; a constant, without gradient.
    Returns:
        z (...) and a cache for `reparameterize_backward`.
    Source: Kingma & Welling 2014, section 2.4.
    """
    xp = array_module(mean)
    deviation = xp.exp(0.5 * log_variance) * noise  # ...
    return mean + deviation, (deviation,)


def reparameterize_backward(dz, cache):
    """Returns dmean (...), dlog_variance (...). The mean passes everything on: dmean is dz itself."""
    (deviation,) = cache
    return dz, 0.5 * dz * deviation


def hinge_discriminator_forward(real_logits, fake_logits):
    """Hinge loss of a discriminator: mean of max(0, 1 - real) plus mean of max(0, 1 + fake).

    Args:
        real_logits, fake_logits: (...), each of its own shape; positive means "looks real".
    Returns:
        loss, a number, and a cache for `hinge_discriminator_backward`.
    Source: Lim & Ye 2017 (Geometric GAN); Miyato et al. 2018, eq. 16.
    """
    xp = array_module(real_logits)
    real_margin = xp.maximum(1 - real_logits, 0)    # ...   how much is missing to a margin of one
    fake_margin = xp.maximum(1 + fake_logits, 0)    # ...
    return real_margin.mean() + fake_margin.mean(), (real_margin, fake_margin)


def hinge_discriminator_backward(dloss, cache):
    """Returns dreal_logits (...), dfake_logits (...). Logits beyond their margin are left alone."""
    real_margin, fake_margin = cache
    dloss = float(dloss)
    dreal = (real_margin > 0).astype(real_margin.dtype) * (-dloss / real_margin.size)  # ...
    dfake = (fake_margin > 0).astype(fake_margin.dtype) * (dloss / fake_margin.size)  # ...
    return dreal, dfake


def hinge_generator_forward(fake_logits):
    """Loss of what the discriminator judges: minus the mean of its logits.

    Args:
        fake_logits: (...).
    Returns:
        loss, a number, and a cache for `hinge_generator_backward`.
    Source: Lim & Ye 2017 (Geometric GAN); Miyato et al. 2018, eq. 17.
    """
    return -fake_logits.mean(), (fake_logits,)


def hinge_generator_backward(dloss, cache):
    """Returns dfake_logits (...)."""
    (fake_logits,) = cache
    xp = array_module(fake_logits)
    return xp.full_like(fake_logits, -float(dloss) / fake_logits.size)  # ...   every logit counts the same
