import numpy as np
import pytest

from minidit.errors import UserError
from minidit.world import (
    ALL_ATTRIBUTES,
    PICTURES,
    PLAIN_SKIES,
    VOCABULARY,
    Attributes,
    attributes_in,
    lexicon,
    random_caption,
    wordings,
)
from minidit.world.attributes import NAMES
from minidit.world.captions import GRAMMAR_WORDS
from minidit.world.grammar import short_caption
from minidit.world.prompts import PASSED_OVER, read_prompt, values_in, words_of

KNOWN = frozenset(VOCABULARY)
EARLIER = KNOWN - set(GRAMMAR_WORDS)  # of models trained on a few wordings alone

# What people type, and what is read: capitals, punctuation, synonyms, politeness.
READ = """
A crimson disc rises! | a red circle moves up
a RED CIRCLE moves RIGHT in the DAY sky. | a red circle moves right in the day sky
a ball at sundown | a circle at sunset
please make me a video of a red circle moving to the right | a red circle moving right
Can you draw a yellow triangle falling down at night, please? | a yellow triangle moving down at night
blue donut going up in the evening | blue ring going up in the sunset
green box hovers in the night-time | green square stays still in the night
me want red ball go up | red circle goes up
gimme a donut lol | a ring
can i have a blue ring going down plz | a blue ring going down
i would like to see one red ball that is going up in the morning | a red circle that is going up in the day
a red circle moves from left to right | a red circle moves right
a red circle goes from the left to the right at noon | a red circle goes right at day
a red circle comes from the left | a red circle goes right
green/square/down/night | green square down night
(green square) [down] {night} | green square down night
‘a red circle’ — moves “right”… | a red circle moves right
«a red circle», moves-right; day! | a red circle moves right day
a red circle; it moves left. | a red circle it moves left
The circle is red. It moves left. It is night. | the circle is red it moves left it is night
there's a red circle, it's moving up | there is a red circle moving up
red circles moving left | red circle moving left
a red ball rises up into the night sky | a red circle moves up in the night sky
a red ball rising upwards | a red circle moving up
nothing in the night sky | empty in the night sky
a starry sky with a yellow ring | a night sky with a yellow ring
a yellow ring among the stars | a yellow ring night
a plus sign stands still | a cross stays still
a red circle stays put | a red circle stays still
motionless blue triangle at dusk | still blue triangle at sunset
a yellow thing moves down | a yellow object moves down
put a red circle in the night sky | a red circle in the night sky
move a red circle to the left | moves a red circle left
a red circle that does not move | a red circle that stays still
the circle doesn't move and it is red | the circle stays still and it is red
a red circle, not moving | a red circle staying still
red circle still moving right | red circle moving right
a red circle up in the sky moves left | a red circle in the sky moves left
a red circle and the sky is blue | a red circle and the sky is day
blue circle in a blue sky | blue circle in a day sky
a white ring in a dark sky | a white ring in a night sky
a white ring in the dark | a white ring at night
a red ball flying across a black background | a red circle moving across a night sky
white square on blue background | white square in day sky
THE TRIANGLE IS GREEN AND THE SKY IS ORANGE | the triangle is green and the sky is sunset
a red circle in a red sunset | a red circle in a red sunset
a white circle in the blue day sky | a white circle in the day sky
a white circle in a red sunset | a white circle in a sunset
a red circle in the middle of the night | a red circle at the night
a red circle in an empty sky | a red circle in a sky
a hollow circle | a ring
a circular red object | a circle red
a triangle-shaped object | a triangle
a circle of red color | a circle red
a red-coloured circle | a red circle
an azure hoop soars at twilight | a blue ring moves up at sunset
a scarlet object | a red object
a red circle is falling down in the sunset | a red circle is moving down in the sunset
a yellow box which goes upward while the sky is dark | a yellow square that goes up and the sky is night
a red circle floats up | a red circle up
a red circle floats in place | a red circle stays still
a red circle → | a red circle right
a yellow circle moves west | a yellow circle moves left
the shape is a red circle | the shape is a red circle
there is an object and it is a circle | there is an object and it is a circle
make something cool | something
red circle red circle | red circle red circle
color: red; shape: ring; motion: still; sky: sunset | red ring still sky sunset
a red circle crosses the night sky | a red circle moves across the night sky
a yellow ring tonight | a yellow ring night
change it to a blue square | it a blue square
turn it into a square | a square
make it blue and keep the rest | it blue and
hello |
... |
"""

# What the world can't show, and what must be in the answer.
REFUSED = """
a red and blue circle | names red and blue, but a clip shows one object of one colour
red or blue circle | names red and blue
a red circle and a blue square | names circle and square
a circle moves left and right | names left and right
up-and-down ball | names up and down
a red circle moves up then left | names up and left
day and night | names day and night
a red circle in a blue sky at night | names day and night
two circles | can't draw several objects ("two")
2 circles | can't draw several objects ("2")
many triangles | ("many")
a red circle and another circle | ("another")
a red circle and a circle | names several objects
a red circle and a red circle | names several objects
orange ball | can't show "orange": the nearest colour is red or yellow.
a purple star | the nearest colour is blue or red. I can't show "star"
a black circle | "black": the nearest colour is blue
a gray square | "grey": the nearest colour is white
a rectangle moves left | the nearest shape is square
an oval | the nearest shape is circle
a green X | the nearest shape is cross
a hollow red square | "hollow": the nearest shape is ring
a dog runs left | can't show "dog": a shape is circle, square, triangle, cross or ring.
a red circle moves diagonally | the nearest motion is left or right
a red circle spins | a motion is left, right, up, down or still
the ball bounces | the nearest motion is up or down
a circle at dawn | the nearest sky is sunset
a white cross in a cloudy sky | the nearest sky is day
green circle on a white background | can't show "white sky"
a red circle in space | the nearest sky is night
a red circle over the sea | a sky is day, night or sunset
can you draw a big red ball? | can't choose how large an object is: leave out "big"
a red circle moves slowly to the right | can't choose how fast an object moves: leave out "slowly"
a red circle in the top left corner | can't choose where an object is: leave out "top left" and "corner"
a circle on the left | leave out "on the left"
a light green triangle | can't choose a shade of a colour: leave out "light"
a red circle, 4k, cinematic | leave out "4k" and "cinematic"
an 8 frame clip of a circle | can't choose how long or how large a clip is: leave out "8" and "frame"
a triangle pointing down moves left | can't choose which way an object points: leave out "pointing"
a rde blu cirlce | For "rde", did you mean red? For "blu", did you mean blue? For "cirlce", did you mean circle?
create a 3 second clip of a ball | how long or how large a clip is: leave out "3" and "second"
no red circle | don't understand "no": say what to show
a circle that isn't red | don't understand "not"
a red circle without stars | don't understand "without"
a blue circle instead of a red one | don't understand "instead of"
anything but red | don't understand "anything but"
red cirlce moves rigth | For "cirlce", did you mean circle? For "rigth", did you mean right?
a yelow triangel | did you mean yellow? For "triangel", did you mean triangle?
a plaid zeppelin | the words "plaid" and "zeppelin". Colours: red, green
красный круг | don't know the words "красный" and "круг". Colours: red
🔴 moves right | don't know the word "🔴"
<pad> | don't know the word "pad"
"""


def table(text):
    return [tuple(part.strip() for part in line.split("|")) for line in text.strip().splitlines()]


@pytest.mark.parametrize(("prompt", "read"), table(READ))
def test_what_people_type_is_read_in_words_of_the_captions(prompt, read):
    assert read_prompt(prompt, KNOWN) == read


@pytest.mark.parametrize(("prompt", "said"), table(REFUSED))
def test_what_cannot_be_shown_is_refused_with_a_reason(prompt, said):
    with pytest.raises(UserError) as raised:
        read_prompt(prompt, KNOWN)
    assert said in str(raised.value)


@pytest.mark.parametrize(("prompt", "read"), table(READ))
def test_a_reading_is_read_as_it_stands(prompt, read):
    assert read_prompt(read, KNOWN) == read


@pytest.mark.parametrize(("prompt", "read"), table(READ))
def test_an_earlier_vocabulary_reads_the_same_attributes(prompt, read):
    earlier = read_prompt(prompt, EARLIER)
    assert set(earlier.split()) <= EARLIER and attributes_in(earlier) == attributes_in(read)


def test_captions_are_read_as_they_stand(rng):
    for attributes in ALL_ATTRIBUTES + PICTURES + PLAIN_SKIES:
        for text in wordings(attributes):
            assert read_prompt(text, KNOWN) == text == read_prompt(text, EARLIER)
    pool = ALL_ATTRIBUTES + PICTURES + PLAIN_SKIES
    for _ in range(20_000):
        text = random_caption(pool[rng.integers(len(pool))], rng)
        assert read_prompt(text, KNOWN) == text
    for attributes in ALL_ATTRIBUTES * 8:
        named = Attributes(*(value if rng.random() < 0.5 else None for value in attributes))
        text = short_caption(named, rng)
        assert read_prompt(text, KNOWN) == text


def test_only_known_words_are_answered_whatever_is_typed(rng):
    phrases = [*lexicon.MEANINGS, *PASSED_OVER, *((word,) for word in VOCABULARY)]
    words = np.array([" ".join(phrase) for phrase in phrases])
    read = 0
    for _ in range(3000):
        prompt = " ".join(rng.choice(words, rng.integers(1, 6)))
        try:
            text = read_prompt(prompt, KNOWN)
        except UserError as error:
            assert str(error)
            continue
        read += 1
        assert set(text.split()) <= KNOWN
        for name in NAMES:
            assert len(values_in(text.split(), name)) <= 1, prompt
    assert read > 300


def test_a_vocabulary_of_other_words_needs_nothing_of_the_lexicon():
    assert read_prompt("b a, C", frozenset("abc")) == "b a c"
    with pytest.raises(UserError, match='the word "scarlet". I know: a, b, c.'):
        read_prompt("a scarlet", frozenset("abc"))


def test_words_are_spelt_one_way():
    assert words_of("Don’t – the GREY, ‘coloured’ ball’s") == ["not", "the", "grey", "colored", "balls"]
