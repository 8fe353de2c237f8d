"""MP4 files, by PyAV, which brings FFmpeg with it. It is not among minidit's own dependencies, but an extra."""

import io
import re
from fractions import Fraction
from importlib.util import find_spec

import numpy as np

from minidit.errors import UserError, in_one_line

QUALITY = "10"  # x264's constant rate factor: 0 loses nothing but shades of colour, 23 is usual
ENLARGED = "minidit enlarged this clip {} times"  # in a file's comment, for `video_frames` to undo

# F = frames, H = height, W = width


def need_pyav(path, what):
    """Raises a UserError unless PyAV is there to read or to write a file."""
    if find_spec("av") is None:
        raise UserError(f'can\'t {what} {path}: MP4 files need PyAV. Install it: pip install "minidit[video]"')


def mp4_bytes(pixels, fps, factor):
    """Pixels (F, H, W, 3) uint8, both sides even, as an MP4 that every player shows (H.264, 4:2:0).

    A rendered clip comes back with a PSNR of 44 dB.

    Args:
        fps: frames per second.
        factor: by which they were enlarged.
    """
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = ENLARGED.format(factor)
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options={"crf": QUALITY})
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def is_video(beginning):
    """Whether the first bytes of a file are those of an MP4 or of QuickTime's."""
    return beginning[4:8] == b"ftyp"


def video_frames(path, most_pixels):
    """The frames of an MP4, as it is to be shown.

    Args:
        path: of the file.
        most_pixels: that a frame may have.
    Yields:
        ((H, W, 3) uint8, the factor by which minidit enlarged it or 1, when it is shown in seconds or None).
    Raises:
        UserError: it is damaged, holds no video, or is huge; or PyAV is not there.
    """
    with open(path, "rb") as file:
        if file.read(12)[8:] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"):
            raise UserError(f"{path} is a HEIC or AVIF picture, which minidit can't read. Convert it to JPEG or PNG.")
    need_pyav(path, "read")
    import av

    try:
        with av.open(str(path), format="mov") as container:  # this format only: another might open further files
            if not container.streams.video:
                raise UserError(f"{path} has no video in it. Give one that has.")
            noted = re.fullmatch(ENLARGED.format(r"(\d{1,4})"), container.metadata.get("comment", ""))
            factor = int(noted[1]) if noted else 1
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise UserError(f"{path} has a video of a kind that PyAV can't decode. Convert it to H.264.")
            if stream.width * stream.height > most_pixels:
                raise UserError(f"{path} has too many pixels to be read: make it smaller.")
            stream.codec_context.options = {"max_pixels": str(most_pixels)}  # frames may be larger than declared
            for frame in container.decode(stream):
                pixels = frame.to_ndarray(format="rgb24")
                yield np.rot90(pixels, round(frame.rotation / 90)), factor, frame.time
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} is not a whole video ({in_one_line(error)}). Copy or save it again.") from error
