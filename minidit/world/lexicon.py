"""What words mean that the captions don't have: synonyms, words to pass over, and what is nearest to the impossible.

Pure tables; `minidit.world.prompts` applies them. A synonym is listed only where a person would accept its meaning as
the same: a crimson disc is a red circle, but an orange one is neither red nor yellow. Such words are refused, with what
is nearest by meaning.
"""

from minidit.world.attributes import NAMES

# What an entry stands for -> the words and phrases that mean it, separated by commas. The longest phrase goes first.
SYNONYMS = {
    # colours
    "red": "crimson, scarlet, ruby, vermilion, vermillion, carmine, reddish",
    "green": "emerald, lime, greenish",
    "blue": "cobalt, sapphire, ultramarine, azure, bluish",
    "yellow": "gold, golden, yellowish",
    "white": "whitish, snow white, snowwhite",
    # shapes; a plural is read as one object
    "circle": "circles, disc, discs, disk, disks, ball, balls, dot, dots, sphere, spheres, orb, orbs, round, circular",
    "square": "squares, box, boxes, block, blocks, cube, cubes, tile, tiles, quadratic",
    "triangle": "three sided, 3 sided, triangles, triangular, three cornered",
    "cross": "crosses, plus, pluses, plus sign, plus signs, plus shape, greek cross, crisscross",
    "ring": (
        "rings, donut, donuts, doughnut, doughnuts, hoop, hoops, torus, annulus, hollow circle, hollow disc, hollow "
        "disk, empty circle, circle outline, outline of a circle, circle with a hole, disc with a hole, disk with a "
        "hole"
    ),
    # motions
    "left": (
        "to the left hand side, leftward, leftwards, to left, to the left, towards left, toward left, towards the "
        "left, toward the left, to the left side, towards the left side, toward the left side, right to left, from "
        "right to left, from the right to the left, from the right, from right, west, westward, westwards, ←"
    ),
    "right": (
        "to the right hand side, rightward, rightwards, to right, to the right, towards right, toward right, towards "
        "the right, toward the right, to the right side, towards the right side, toward the right side, left to right, "
        "from left to right, from the left to the right, from the left, from left, east, eastward, eastwards, →"
    ),
    "up": (
        "upward, upwards, from the ground, skyward, skywards, north, northward, northwards, to the top, towards the "
        "top, toward the top, bottom to top, from bottom to top, from the bottom to the top, from the bottom, from "
        "bottom, ↑"
    ),
    "down": (
        "downward, downwards, south, southward, southwards, to the bottom, towards the bottom, toward the bottom, to "
        "the ground, towards the ground, top to bottom, from top to bottom, from the top to the bottom, from the top, "
        "from top, ↓"
    ),
    "moves up": "rises, rise, climbs, climb, ascends, ascend, soars, soar, lifts, lifts off, takes off",
    "moving up": "rising, climbing, ascending, soaring, lifting, lifting off, taking off",
    "moves down": "falls, fall, drops, drop, sinks, sink, descends, descend, plunges, plummets, dives",
    "moving down": "falling, dropping, sinking, descending, plunging, plummeting, diving",
    "still": (
        "at the same spot, at its place, in standstill, at a standstill, motionless, static, stationary, immobile, "
        "unmoving, in place, in one place, in the same place, on the spot, in its place, at rest, frozen, fixed, "
        "without moving, without motion, without movement, no motion, no movement, unmoved"
    ),
    "stays still": (
        "stays put, stay put, stays there, not move, hovers, hover, stands, stand, rests, rest, does not move, do not "
        "move, never moves, is not moving, is at rest, stops, freezes, floats in place, floats still"
    ),
    "staying still": (
        "stopped moving, without any movement, without any motion, staying put, hovering, standing, resting, not "
        "moving, non moving, stopped, floating in place, floating still"
    ),
    # skies
    "day": (
        "daytime, day time, daylight, day light, days, noon, midday, mid day, morning, afternoon, sunny, sunlit, "
        "sunshine, sunlight"
    ),
    "night": (
        "tonight, last night, nite, nighttime, night time, nights, midnight, nocturnal, starry, starlit, dark night, "
        "black night, with stars, full of stars, among the stars, among stars, under the stars, under stars"
    ),
    "sunset": (
        "sunsets, sundown, sun down, dusk, twilight, evening, eve, nightfall, golden hour, orange sunset, pink sunset, "
        "purple sunset, golden sunset, setting sun, sun is setting, sun sets"
    ),
    "at night": "in the dark",
    "day sky": "blue sky, light blue sky, bright blue sky, clear blue sky, azure sky, sky blue sky",
    "night sky": "black sky, dark sky, pitch black sky, dark blue sky, darkness",
    "sunset sky": "red sky, orange sky, pink sky, purple sky, golden sky",
    "sky is day": "sky is blue, sky is light blue, sky is bright",
    "sky is night": "sky is black, sky is dark, sky is dark blue",
    "sky is sunset": "sky is orange, sky is red, sky is pink, sky is purple, sky is golden",
    # the rest of a sentence
    "empty": (
        "blank, without anything, nothing else, nothing, no object, no objects, no shape, no shapes, without objects, "
        "without any objects, without an object"
    ),
    "moves": (
        "move, moved, travels, travel, travelled, traveled, slides, slide, glides, glide, flies, fly, flew, heads, "
        "head, sails, sail, shifts, shift, passes, pass, cruises, advances, proceeds"
    ),
    "moving": (
        "drifting, travelling, traveling, sliding, gliding, flying, heading, sailing, shifting, passing, cruising, "
        "advancing, proceeding, in motion"
    ),
    "drifts": "drift, drifted",
    "goes": "go, went, comes, come, runs, run",
    "going": "coming, running",
    "stays": "stay, stayed, remains, remain, remained, sits, sit, lies",
    "staying": "remaining, sitting, lying",
    "hangs": "hang, hung, hanging, suspended",
    "a": "one, single, a single",
    "that": "which, who",
    "and": "while, whilst, as, but, also, or",
    "is": "are, was, were",
    "there is": "there are, there be, there was, there were",
    "in": "on, under, beneath, against, inside, within, amid, into",
    "moves across the": "crosses the, traverses the",
    "moves across a": "crosses a, traverses a",
    "moving across the": "crossing the",
    "moving across a": "crossing a",
    "across": "through, over, along, throughout",
    "at": "during, by, around, in the middle of",
    "at the": "in the middle of the",
    "object": "thing, things, objects, figure, figures, item, form, element, one object",
    "shape": "shapes, geometric shape, geometrical shape",
    "something": "anything",
}

# Words to pass over. A noun here takes its article along: "a video of a ring" is "a ring".
NOUNS_PASSED_OVER = (
    "video, vid, videos, clip, clips, animation, gif, movie, film, picture, image, photo, scene, shot, drawing, "
    "sketch, footage, view, straight line, path, straight path, color, direction, way, motion, movement, example, "
    "prompt, bit"
)
PASSED_OVER = (
    "change, turn, recolor, paint, switch, keep, same, instead, the rest, everything else, turn into, turn it into, "
    "change into, change it into, wants, wanted, gonna, individual, alone, weather, animated, looping, first, exactly, "
    "any, random, anywhere, somewhere, whatever, surprise, pure, at all, across the screen, on the screen, please, "
    "pls, has, have, having, had, what, about, how, gimme, lol, plz, kindly, thanks, thank you, hi, hello, hey, ok, "
    "okay, um, i, we, you, me, us, my, your, want, need, would, like, love, can, could, should, will, may, must, let, "
    "lets, make, makes, made, making, create, creates, creating, put, this, these, those, im, id, ill, generate, "
    "generates, generating, draw, draws, drawing, render, show, shows, showing, shown, give, animate, produce, see, "
    "display, displays, depict, depicting, depicts, featuring, contains, containing, of, for, to, be, being, been, do, "
    "does, if, where, when, its, his, her, their, he, she, they, them, just, simply, simple, only, plain, very, "
    "really, quite, nice, nicely, beautiful, pretty, cute, cool, lovely, bright, brightly, brilliant, clear, open, "
    "cloudless, solid, filled, colored, colors, shaped, starts, start, starting, begins, beginning, keeps, continues, "
    "continuously, always, gently, gentle, smoothly, smooth, calmly, peacefully, quietly, slightly, straight, "
    "directly, then, now, right now, right away, here, from, floats, floating, float, floated, appears, located, "
    "placed, positioned, seen, time, the color of, in color, of color, flat, perfect, perfectly, completely, totally, "
    "entirely"
)

# British spellings and the like, one word for another, before anything else.
SPELLINGS = {
    "colour": "color", "colours": "colors", "coloured": "colored", "colorful": "colourful", "gray": "grey",
    "centre": "center", "multicolored": "multicoloured", "anti": "not", "dont": "not", "doesnt": "not", "isnt": "not",
    "arent": "not", "wont": "not", "cannot": "not", "cant": "not", "background": "sky", "backdrop": "sky",
    "skies": "sky", "heavens": "sky", "teh": "the", "theres": "there is", "thats": "that is", "whats": "that is",
    "1": "one",
}  # fmt: skip

NEGATIONS = (
    "not, no, without, never, none, neither, nor, non, except, excluding, instead of, rather than, avoid, anything "
    "but, everything but"
)

MORE_THAN_ONE = (
    "two, three, four, five, six, seven, eight, nine, ten, both, several, many, some, few, multiple, lots, pair, "
    "couple, dozen, another, other, group, various, different, each, together"
)

# The nearest by meaning of what the world hasn't. Empty: there is nothing near.
NEAREST = {
    "color": {
        "orange, amber, apricot": "red yellow",
        "pink, rose, salmon, coral, peach": "red white",
        "purple, violet, magenta, fuchsia, lilac, lavender, mauve, plum": "blue red",
        "brown, maroon, burgundy, rust, copper, bronze, chocolate": "red",
        "black, navy, indigo, ebony, dark blue": "blue",
        "grey, silver, beige, cream, ivory, tan, khaki": "white",
        "cyan, turquoise, aqua, teal": "blue green",
        "olive, mint, chartreuse": "green",
        "colourful, multicoloured, rainbow, striped, spotted, transparent, glowing, shiny, colorless": "",
    },
    "shape": {
        "star, arrow, pyramid, cone, wedge, spike, heart, kite, tent": "triangle",
        "diamond, rectangle, rectangles, rectangular, rhombus, parallelogram, trapezoid, bar, brick, stripe, window, "
        "door, house": "square",
        "oval, ellipse, egg, sun, moon, planet, earth, balloon, bubble, coin, face, smiley, eye, apple, pearl, globe, "
        "marble, point, pea, blob, spot": "circle",
        "pentagon, hexagon, octagon, polygon": "circle square",
        "x, x mark, x shape, x sign, t, sword, airplane, plane, star shape": "cross",
        "crescent, wheel, tire, tyre, loop, o, halo, bracelet, hollow, cylinder, bagel": "ring",
        "dog, cat, bird, fish, horse, animal, person, man, woman, boy, girl, child, human, people, robot, car, truck, "
        "ufo, rocket, boat, ship, tree, flower, line, lines, letter, number, spiral, knot": "",
    },
    "motion": {
        "diagonal, diagonally, northeast, northwest, southeast, southwest, sideways, sideway, horizontal, "
        "horizontally, side, back and forth, side to side, forward, "
        "forwards, backward, backwards, back, forth, away": "left right",
        "vertical, vertically, bounces, bounce, bouncing, jumps, jump, jumping, hops, hopping": "up down",
        "spins, spin, spinning, rotates, rotate, rotating, turns, turning, twirls, twirling, rolls, rolling, roll, "
        "orbits, orbiting, spirals, zigzag, zigzags, zigzagging, zag, zig, wobbles, wobbling, shakes, shaking, "
        "vibrates, swings, swinging, dances, dancing, wiggles, curves, curving, waves, waving, pulses, pulsing, grows, "
        "growing, shrinks, shrinking, explodes, fades, fading, blinks, flashes, changes, changing, becomes, "
        "disappears, disappearing, vanishes, enters, leaves, exits, walks, walking, swims, swimming, circling, moves "
        "around, moving around, randomly": "",
    },
    "sky": {
        "dawn, sunrise, daybreak, sun rises": "sunset",
        "cloud, clouds, cloudy, rainy, rain, raining, storm, stormy, snow, snowy, snowing, fog, foggy, overcast, "
        "windy, thunder, rainbow sky, white sky, yellow sky, green sky, grey sky, sky is white, sky is yellow, sky is "
        "green, sky is grey": "day",
        "stars, space, outer space, galaxy, universe, moonlight, moonlit, aurora, cosmos": "night",
        "sea, ocean, water, lake, river, beach, forest, city, street, room, desert, mountain, mountains, garden, park, "
        "field, grass, floor, wall, table, world, screen, paper, horizon": "",
    },
}

# What a prompt can't choose -> the words that try to.
NOT_CHOSEN = {
    "how large an object is": (
        "big, bigger, biggest, small, smaller, large, larger, tiny, huge, giant, little, enormous, massive, mini, "
        "wide, tall, thin, thick, fat, medium, sized, size"
    ),
    "how fast an object moves": (
        "fast, faster, slow, slower, slowly, quick, quickly, rapidly, speedy, swiftly, suddenly, speed, races, zooms, "
        "racing, zooming, shoots, rushes, crawls, crawling"
    ),
    "where an object is": (
        "top, bottom, corner, center, middle, edge, above, below, near, nearby, beside, next, behind, high, low, "
        "upper, lower, on the left, on the right, on the left side, on the right side, at the left, at the right, left "
        "side, right side, on top, far, close, between, halfway, centered, bottom left, bottom right, top left, top "
        "right"
    ),
    "which way an object points": "pointing, points, upside down, facing, tilted, rotated",
    "a shade of a colour": "dark, light, pale, deep, neon, pastel, vivid, dim, faded, darker, lighter",
    "its style": (
        "realistic, photorealistic, cinematic, detailed, 4k, 8k, hd, 3d, 2d, artistic, watercolor, cartoon, anime, "
        "painting, pixelated, style, quality, masterpiece, dramatic, blurry, fuzzy, minimalist"
    ),
    "how long or how large a clip is": (
        "frame, frames, second, short, long, seconds, minute, minutes, pixel, pixels, px, fps"
    ),
    "sound or text": "music, sound, audio, text, caption, subtitle, title, logo, watermark, word, words, voice",
}


def entries(text):
    """The words and phrases of a cell of these tables, each a tuple of words."""
    return [tuple(entry.split()) for entry in text.split(",")]


MEANINGS = {phrase: tuple(meaning.split()) for meaning, text in SYNONYMS.items() for phrase in entries(text)}


def markdown_table():
    """What is understood as each value of the four attributes: the lines of a table for the documentation."""
    lines = ["| word | what is read as this word, too |", "|---|---|"]
    for value in (value for values in NAMES.values() for value in values):
        phrases = [" ".join(phrase) for phrase, meaning in MEANINGS.items() if value in meaning]
        lines.append(f"| {value} | {', '.join(phrases)} |")
    return lines
