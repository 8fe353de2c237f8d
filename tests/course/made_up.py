"""A made-up lesson with both kinds of exercises, for tests of what builds and grades lessons."""

from types import SimpleNamespace

SOURCE = '''\
# %% [markdown]
# # Lesson 42 · Made up
#
# Means and doubles.

# %%
import numpy as np

from checks import check

# %% [markdown]
# ### 42.1 Double it

# %% exercise="doubled"
# the vector (1, 2, 3), twice as long
### BEGIN SOLUTION
doubled = np.array([2, 4, 6])
half, rest = doubled / 2, 0
### END SOLUTION

check.doubled(doubled)

# %% [markdown]
# ### 42.2 The mean
#
# <details><summary>Shapes pass, numbers don't</summary>Which axis?</details>

# %% exercise="mean_forward"
def mean_forward(x):
    # x is (T, D)
    ### BEGIN SOLUTION
    T = x.shape[0]
    return x.sum(axis=0) / T
    ### END SOLUTION

check.mean_forward(mean_forward)

# %%
print("an object", object())
'''

CHECKS = '''\
import numpy as np

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, Numbers, at_random, by_hand

EXERCISES = {
    "doubled": Numbers("doubled", 42, "double it", lambda: np.array([2, 4, 6]), points=1),
    "mean_forward": Exercise(
        "mean_forward", 42, "the mean", ("y",), lambda x: x.mean(axis=0),
        trials=(by_hand(np.eye(2)), at_random(lambda rng: (rng.normal(size=(4, 3)),))), points=4,
    ),
}


class Check:
    def __getattr__(self, name):
        return lambda answer: print(examine(EXERCISES[name], answer))

    def points(self, name, answer):
        return round(EXERCISES[name].points * examine(EXERCISES[name], answer).share, 2)


check = Check()
'''

EXERCISES = {"doubled": SimpleNamespace(points=1), "mean_forward": SimpleNamespace(points=4)}
NAME = "42_made_up"


def write_lesson(root, source=SOURCE):
    """A folder of lessons below root, with this one; returns its path."""
    folder = root / "lessons"
    (folder / "source").mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("# Lessons", encoding="utf-8")
    (folder / "checks.py").write_text(CHECKS, encoding="utf-8")
    (folder / "source" / f"{NAME}.py").write_text(source, encoding="utf-8")
    return folder
