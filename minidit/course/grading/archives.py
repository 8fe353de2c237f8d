"""The files of a folder or a zip file, and of zip files inside: found and read with care, as strangers made them.

Nothing is unpacked to the disk: a name inside an archive, whatever it holds, is only a name. What is read is bounded,
by what comes out of an archive and not by what it says of itself.
"""

import functools
import io
import os
import re
import stat
import time
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minidit.course.grading.wire import plain
from minidit.errors import UserError

LARGEST = 1 << 26  # bytes of a file
LARGEST_ARCHIVE = 1 << 28  # bytes of a zip file inside another
MOST = 1 << 30  # bytes that are read of all archives
MOST_FILES = 100_000  # in a folder or archive
DEEPEST = 3  # archives in archives
JUNK = {"__MACOSX", "__pycache__"}
NOBODYS = "a program's own files"
WITHOUT_A_WORD = {".DS_Store", "Thumbs.db", "desktop.ini", ".localized"}


class Unreadable(Exception):
    """A file can't be read; the message says why, following the file's name."""


@dataclass(frozen=True)
class File:
    """A file that was handed in.

    Attributes:
        parts: names of the folders it is in and its own, as people read them; an archive counts as a folder.
        modified: time of its last change, in seconds.
        read: returns its bytes, LARGEST at most; raises Unreadable.
    """

    parts: tuple[str, ...]
    modified: float
    read: Callable[[], bytes]

    @property
    def name(self):
        """Its own."""
        return self.parts[-1]

    @property
    def path(self):
        """Where it is, in words."""
        return "/".join(self.parts)


def files_of(path, ignored=()):
    """The files in a folder or a zip file.

    Args:
        path: Path.
        ignored: Paths of files and folders to leave out without a word.
    Returns:
        Files; the parts of all folders; and what was left out: (where it is, why).
    Raises:
        UserError: there is no such folder or zip file, or it can't be read.
    """
    path, folders, left_out = Path(path), [], []
    try:
        if path.is_dir():
            os.scandir(path).close()
            files = files_in_folder(path, {os.path.realpath(one) for one in ignored}, folders, left_out)
            return [*files], folders, left_out
        if path.is_file() and is_archive(path.name):
            opened = functools.partial(path.open, "rb")
            return [*files_in_archive((), opened, folders, left_out, Budget(MOST), DEEPEST)], folders, left_out
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}.") from error
    except Unreadable as error:
        raise UserError(f"{path} {error}") from error
    raise UserError(f"there is no folder or zip file {path}.")


def is_archive(name):
    """Whether a file is one whose files are looked at."""
    return name.lower().endswith(".zip")


def files_in_folder(top, ignored, found, left_out):
    """Yields the Files in a folder of the disk, and adds the parts of its folders to those found.

    What can't be read is left out. Links are not followed: one that a student made may lead to another's work.
    """

    def said(error):
        left_out.append((readable(os.path.relpath(error.filename, top)), f"can't be read: {error.strerror}"))

    for here, folders, names in os.walk(top, onerror=said):
        parts = () if Path(here) == top else tuple(map(readable, Path(here).relative_to(top).parts))
        found.append(parts)
        for name in sorted(folders):
            path, where = os.path.join(here, name), "/".join((*parts, readable(name)))
            if os.path.realpath(path) in ignored or os.path.islink(path) or is_junk(name):
                folders.remove(name)
                if os.path.realpath(path) not in ignored:
                    left_out.append((where, "a link" if os.path.islink(path) else NOBODYS))
        folders.sort()
        for name in sorted(names):
            path, own = Path(here, name), (*parts, readable(name))
            if name in WITHOUT_A_WORD or os.path.realpath(path) in ignored:
                continue
            try:
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode):
                    left_out.append(("/".join(own), "a link" if path.is_symlink() else "not a file"))
                elif is_archive(name):
                    opened = functools.partial(path.open, "rb")
                    yield from files_in_archive(own, opened, found, left_out, Budget(MOST), DEEPEST)
                else:
                    yield File(own, status.st_mtime, functools.partial(whole, path))
            except OSError as error:
                left_out.append(("/".join(own), f"can't be read: {error.strerror}"))
            except Unreadable as error:
                left_out.append(("/".join(own), str(error)))


def is_junk(name):
    """Whether a folder is one that programs leave behind."""
    return name in JUNK or name.startswith(".")


def whole(path):
    """The bytes of a file of the disk."""
    try:
        with path.open("rb") as file:
            return within_limits(file.read(LARGEST + 1), LARGEST)
    except OSError as error:
        raise Unreadable(f"can't be read: {error.strerror}") from error


def within_limits(data, largest):
    """The data, if it is not too large."""
    if len(data) > largest:
        raise Unreadable(f"is larger than {largest >> 20} MB")
    return data


# ------------------------------------------------------------------------------------------------- archives


class Budget:
    """Bytes that may still be read."""

    def __init__(self, size):
        self.left = size

    def spend(self, size):
        """Takes so many."""
        self.left -= size
        if self.left < 0:
            raise Unreadable("holds too much")


def files_in_archive(parts, opened, folders, left_out, budget, depth):
    """Yields the Files in a zip file, and in those inside.

    Args:
        parts: of the archive.
        opened: opens it as a binary file.
        folders: list, to which the parts of its folders are added.
        left_out: list, to which (where, why) is added.
        budget: Budget.
        depth: how many archives may be in one another.
    Raises:
        Unreadable: it isn't a zip file.
    """
    if depth == 0:
        raise Unreadable("is an archive in too many others")
    with opened() as file, zip_file(file) as archive:
        members = archive.infolist()
    if len(members) > MOST_FILES:
        raise Unreadable("holds too many files")
    folders.append(parts)
    junk = {}  # as a set in order
    for member in members:
        inner = parts_of(member)
        bad = next((i for i, part in enumerate(inner[:-1]) if is_junk(part)), None)
        own = (*parts, *inner)
        if bad is not None:
            junk["/".join((*parts, *inner[: bad + 1]))] = True
        elif member.is_dir() or not inner or inner[-1] in WITHOUT_A_WORD:
            folders += [own] if member.is_dir() and inner and not is_junk(inner[-1]) else []
        elif stat.S_ISLNK(member.external_attr >> 16):
            left_out.append(("/".join(own), "a link"))
        elif is_archive(own[-1]):
            try:
                data = unpacked(opened, member, budget, LARGEST_ARCHIVE)
                inside = functools.partial(io.BytesIO, data)
                yield from files_in_archive(own, inside, folders, left_out, budget, depth - 1)
            except Unreadable as error:
                left_out.append(("/".join(own), str(error)))
        else:
            yield File(own, modified(member), functools.partial(unpacked, opened, member, budget, LARGEST))
    left_out += [(where, NOBODYS) for where in junk]


def zip_file(file):
    """A ZipFile of a binary file."""
    try:
        return zipfile.ZipFile(file)
    except Exception as error:  # of several kinds, if a stranger made it
        raise Unreadable("is not a zip file, or was cut off") from error


def unpacked(opened, member, budget, largest):
    """The bytes of a member of the archive that `opened` opens."""
    if member.flag_bits & 1:
        raise Unreadable("is encrypted")
    try:
        with opened() as file, zip_file(file) as archive, archive.open(member) as inside:
            data = inside.read(largest + 1)
    except Exception as error:  # of several kinds, if a stranger made it
        raise Unreadable("can't be unpacked") from error
    budget.spend(len(data))
    return within_limits(data, largest)


def parts_of(member):
    """The names in a member's name. Those that would lead out of the archive are left out; they lead nowhere here."""
    name = member.orig_filename
    if not member.flag_bits & 0x800:  # its bytes are in an encoding that is not said; zipfile took them for cp437
        name = decoded(name.encode("cp437", "replace"))
    parts = re.split(r"[/\\]", name.partition("\0")[0])
    return tuple(plain(part, 200) for part in parts if part.strip() not in ("", ".", "..") and not is_drive(part))


def is_drive(part):
    """Whether it names a disk of Windows."""
    return re.fullmatch(r"[A-Za-z]:", part) is not None


def modified(member):
    """The time of a member's last change."""
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


# ---------------------------------------------------------------------------------------------- names


def readable(name):
    """A name of the disk as people read it, whatever its bytes are."""
    return plain(decoded(os.fsencode(name)), 200)


def decoded(data):
    """Text of bytes in an encoding that is not said: UTF-8, or one of Windows'.

    Western letters lie from 0xC0 on in Windows' own encoding, and below that in the one of zip files, cp437.
    """
    try:
        return unicodedata.normalize("NFC", data.decode("utf-8"))
    except UnicodeDecodeError:
        return data.decode("cp1252" if min(byte for byte in data if byte > 127) >= 0xC0 else "cp437")
