import pytest

from minidit.benchmark.task import SAMPLING, TRAINING, Task, repeated, steps_of

pytestmark = pytest.mark.bench


def test_a_step_is_repeated_as_often_as_asked():
    done = []
    run = repeated(lambda: done.append(1))
    run(3)
    run(2)
    assert len(done) == 5


def test_the_steps_of_a_contender_are_made_once_from_the_task(labelled):
    made = []

    def make_step(task):
        made.append(task)
        return lambda: made.append("step")

    task = Task(TRAINING, labelled, 4)
    with steps_of(make_step, task) as run:
        run(2)
    assert made == [task, "step", "step"]


def test_a_task_says_in_words_what_it_is(labelled):
    assert Task(SAMPLING, labelled, 4).name == "sampling, labels, batch 4, 1 thread"
    assert Task(TRAINING, labelled, 16, 2).name == "training, labels, batch 16, 2 threads"
