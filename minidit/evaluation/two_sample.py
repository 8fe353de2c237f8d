"""Can a classifier tell generated clips from real ones? Half of its answers are right if nothing tells them apart.

Source: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests".
"""

import numpy as np

from minidit.errors import UserError
from minidit.evaluation.intervals import wilson_interval

# N = clips, F = frames, H = rows, W = columns, K = features

QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.97, 0.99)
FOLDS = 5
MISSING = "the two-sample test needs scikit-learn: pip install 'minidit[evaluate]'"


def looks(clips, patch):
    """What a clip looks like close up: how its pixels differ from their neighbours in time and space.

    Clips are rounded to the 256 levels that a screen shows, so that nothing invisible counts. Of the first and second
    differences along time, rows and columns, some quantiles are taken; of the differences between rows and between
    columns also the mean at each place within a patch, where seams show. All are on a logarithmic scale.

    Args:
        clips: (N, F, H, W, 3) in [0, 1].
        patch: of the codec: frames, rows and columns of a patch.
    Returns:
        (N, K).
    """
    levels = np.rint(np.clip(clips, 0, 1) * 255).astype(np.float32)  # N, F, H, W, 3
    features = []
    for axis in (1, 2, 3):
        for order in (1, 2):
            if levels.shape[axis] <= order:
                continue
            steps = np.abs(np.diff(levels, n=order, axis=axis))  # N, ...
            features += list(np.quantile(steps.reshape(len(steps), -1), QUANTILES, axis=1))
            if axis > 1 and order == 1:
                along = steps.mean(axis=tuple({1, 2, 3, 4} - {axis}))  # N, H - 1 or W - 1
                features += [along[:, place :: patch[axis - 1]].mean(axis=1) for place in range(patch[axis - 1])]
    return np.log1p(np.stack(features, axis=1))                # N, K


def told_apart(first, second):
    """Held-out accuracy of a logistic regression that tells two sets of clips apart.

    Each clip is judged by a classifier that saw neither it nor its partner, by cross-validation in five parts.

    Args:
        first, second: (N, K) features of clips; entry n of both has the same prompt. N is at least 10.
    Returns:
        dict of "accuracy", its 95 % Wilson "interval" and "clips", the number of both together. Clips share prompts and
        classifiers, so the interval is a little too narrow. Without enough clips the first two are None.
    Raises:
        UserError: scikit-learn isn't installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GroupKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise UserError(MISSING + ".") from None
    count = len(first)
    if count < 2 * FOLDS:
        return {"accuracy": None, "interval": None, "clips": 2 * count}
    features, label = np.concatenate([first, second]), np.repeat([0, 1], count)  # 2N, K; 2N
    pair = np.tile(np.random.default_rng(0).permutation(count), 2)  # 2N
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    answers = cross_val_predict(classifier, features, label, groups=pair, cv=GroupKFold(FOLDS))  # 2N
    right = int((answers == label).sum())
    return {"accuracy": right / (2 * count), "interval": wilson_interval(right, 2 * count), "clips": 2 * count}
