import textwrap

import numpy as np

import minidit.generation.film
from minidit.commands.film import NOTES
from minidit.generation.film import Shot, parse_script
from minidit.world import attributes_in


def test_the_film_is_what_the_studio_makes_of_the_shots(made, studio, folder):
    (folder / "film.txt").write_text("the night sky\n\nthen the day sky\nthe sunset sky\n")
    shots = [Shot("the night sky"), Shot("the day sky", True), Shot("the sunset sky")]
    film = made("film", "film.txt", "--size", "48x32", "--seed", "2")
    assert np.array_equal(film, studio.film(shots, seed=2, size=(32, 48)))
    assert film.shape == (24, 32, 48, 3)


def test_a_mistake_in_the_script_is_answered_with_its_line(refused, folder):
    for script, said in (
        ("then the day sky", "film.txt, line 1: the first shot has no shot before it"),
        ("# nothing", "film.txt has no shots in it"),
        ("the day sky\na red and blue ring\n", "film.txt, line 2: the prompt names red and blue, but"),
        ("the day sky\nthen\n", 'film.txt, line 2: "then" stands alone'),
    ):
        (folder / "film.txt").write_text(script)
        assert said in refused("film", "film.txt")
    assert "clip.npy is not a text file" in refused("film", "clip.npy")


def test_the_scripts_that_explain_it_are_understood():
    script = textwrap.dedent(NOTES.partition(":\n\n")[2])
    shots = parse_script(script)
    assert [shot.connected for shot in shots] == [False, True, False]
    assert all(attributes_in(shot.prompt).shape for shot in shots)
    assert parse_script(minidit.generation.film.__doc__.partition(":\n\n")[2]) == shots
