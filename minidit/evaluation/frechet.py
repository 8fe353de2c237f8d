"""How far apart two sets of clips are: the Fréchet distance between their features.

The usual features come from a network trained on photographs, which our clips are not. Ours are the principal
components of real clips. They are fitted once, on clips used for nothing else, and each is divided by its standard
deviation, so that a fault in a small detail counts as much as one in the sky.
"""

from dataclasses import dataclass

import numpy as np

# N = clips, P = values of a clip, K = features

COMPONENTS = 48
LEAST_VARIANCE = 1e-6  # of a component, relative to the first: below it is rounding, not variation


@dataclass(frozen=True)
class PixelFeatures:
    """A clip's standardised coordinates along the first principal components of real clips.

    Attributes:
        mean: (P,), the mean real clip.
        directions: (P, K), the components, each divided by the standard deviation of real clips along it.
    """

    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def fit(cls, clips, components=COMPONENTS):
        """Finds the components of some clips, through the N x N products between them, as N is far below P.

        Args:
            clips: (N, F, H, W, 3), or any (N, ...), that vary.
            components: K, the most to keep; fewer are when the clips don't vary in so many directions.
        """
        rows = clips.reshape(len(clips), -1)                   # N, P
        mean = rows.mean(axis=0)                               # P
        centred = rows - mean                                  # N, P
        energies, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))  # N, rising; N, N
        kept = min(components, np.count_nonzero(energies > LEAST_VARIANCE * energies[-1]))
        energies, vectors = energies[-kept:][::-1], vectors[:, -kept:][:, ::-1]  # K; N, K
        # A component is centred.T @ vector / √energy, and the clips' variance along it energy / (N - 1).
        scaled = vectors * (float(len(rows) - 1) ** 0.5 / energies)  # N, K
        return cls(mean, centred.T @ scaled.astype(rows.dtype))

    def __call__(self, clips):
        """Features (N, K) of clips (N, F, H, W, 3)."""
        return (clips.reshape(len(clips), -1) - self.mean) @ self.directions  # N, K


def frechet_distance(features_a, features_b):
    """Squared Fréchet (Wasserstein-2) distance between the Gaussians that fit two sets of features.

        |mean_a - mean_b|² + trace(C_a + C_b - 2 (C_a C_b)^½)

    The trace of (C_a C_b)^½ is the sum of the singular values of C_a^½ C_b^½, which needs no root of a matrix
    that isn't symmetric. Few clips make any distance larger, also that between two sets of real clips: compare
    only distances between equal numbers of clips.

    Args:
        features_a: (N, K), features_b: (M, K).
    Returns:
        float, at least 0.
    Source: Heusel et al. 2017, section 2, eq. 6; Dowson & Landau 1982.
    """
    mean_a, covariance_a = moments(features_a)                 # K; K, K
    mean_b, covariance_b = moments(features_b)
    overlap = np.linalg.svd(root(covariance_a) @ root(covariance_b), compute_uv=False).sum()
    between = mean_a - mean_b                                  # K
    return max(0.0, float(between @ between + np.trace(covariance_a) + np.trace(covariance_b) - 2 * overlap))


def moments(features):
    """Mean (K,) and covariance (K, K) of features (N, K), in float64; a single clip has covariance 0."""
    features = features.astype(np.float64)                     # N, K
    mean = features.mean(axis=0)                               # K
    centred = features - mean                                  # N, K
    return mean, centred.T @ centred / max(len(features) - 1, 1)


def root(covariance):
    """The symmetric square root (K, K) of a covariance matrix (K, K)."""
    values, vectors = np.linalg.eigh(covariance)               # K; K, K
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
