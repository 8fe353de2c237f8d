"""What the verifier says about a clip, and when that counts as right."""

from dataclasses import dataclass

from minidit.world.attributes import Attributes

STRICT_OVERLAP = 0.75  # intersection over union that a strict reading exceeds


@dataclass(frozen=True)
class Reading:
    """What the verifier sees in one clip.

    Attributes:
        color, shape, motion: names, or None if only sky was found. A single frame shows no motion, so motion is None
            there too.
        sky: the name of the nearest sky.
        iou: overlap (intersection over union, over all frames) of the measured mask with an ideal shape of
            one size on a straight path; 1.0 for a plain sky.
        faults: what is wrong with the clip, in words; empty when nothing is.
    """

    color: str | None
    shape: str | None
    motion: str | None
    sky: str
    iou: float
    faults: tuple[str, ...] = ()

    @property
    def attributes(self):
        """The four names as Attributes."""
        return Attributes(self.color, self.shape, self.motion, self.sky)

    @property
    def whole(self):
        """Is the object in every frame, uncut and unchanged, on a straight path, with only sky around it?"""
        return not self.faults

    def right(self, attributes):
        """Are all attributes right, and is the object whole?

        The motion doesn't count if the attributes have none, as in a picture's prompt, or if it can't be seen, as in a
        single frame.
        """
        color, shape, motion, sky = attributes
        asked_and_seen = motion is not None and self.motion is not None
        return (
            self.whole
            and (self.color, self.shape, self.sky) == (color, shape, sky)
            and (self.motion == motion or not asked_and_seen)
        )

    def strict(self, attributes):
        """Right, and nearly the ideal shape on an ideal path?"""
        return self.right(attributes) and self.iou > STRICT_OVERLAP
