"""Results so far, in a JSON file that is rewritten after each result: a killed command loses little."""

import json
from pathlib import Path

from minidit.errors import UserError
from minidit.files.whole import write_whole

FORMAT = "minidit-claims-2"  # the first had no fidelity


class Store:
    """Results by name, each with the plan that it follows from.

    Args:
        path: of the JSON file; read if it is there.
        quick: whether results are the small ones of --quick.
        force: forget what the file holds.
    Raises:
        UserError: the file is not one of these, or holds results of the other kind, quick or not.
    """

    def __init__(self, path, quick=False, force=False):
        self.path, self.quick = Path(path), quick
        self.entries = {}  # name -> {"plan", "result"}
        if self.path.exists() and not force:
            self.entries = self.read()

    def read(self):
        """The entries of the file."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"can't read {self.path} ({error}). Choose another --out, or remove that file.") from error
        if not is_sound(data):
            raise UserError(
                f"{self.path} is not a file of results as this version measures them. Choose another --out, or remove "
                "that file."
            )
        if data["quick"] != self.quick:
            kind, option = ("small", "with") if data["quick"] else ("full", "without")
            raise UserError(
                f"{self.path} holds {kind} measurements, made {option} --quick, and they don't mix. "
                "Choose another --out, or remove that file."
            )
        return data["entries"]

    def get(self, name, plan):
        """The result of that name; None if it has not been measured.

        Raises:
            UserError: it was measured by another plan.
        """
        entry = self.entries.get(name)
        if entry is None:
            return None
        if not agrees(entry["plan"], plan):
            raise UserError(
                f"{self.path} holds {name}, but measured in another way (another checkpoint, or other settings). "
                "Choose another --out, or replace it by --force."
            )
        return entry["result"]

    def put(self, name, plan, result):
        """Keeps a JSON-able result. It is on disk when this returns; if writing fails, nothing has changed.

        Raises:
            ValueError: a number of it is infinite or not a number.
        """
        entries = self.entries | {name: as_json({"plan": plan, "result": result})}
        data = {"format": FORMAT, "quick": self.quick, "entries": entries}
        write_whole(self.path, json.dumps(data, indent=1).encode())
        self.entries = entries


def is_sound(data):
    """Whether this is what `Store.put` writes, as far as its readers rely on it."""
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("quick"), bool):
        return False
    entries = data.get("entries")
    return isinstance(entries, dict) and all(
        isinstance(entry, dict) and entry.keys() == {"plan", "result"} for entry in entries.values()
    )


def as_json(data):
    """Data as it comes back after writing and reading: lists for tuples, strings for keys."""
    return json.loads(json.dumps(data, allow_nan=False))


def agrees(before, plan):
    """Whether something was measured by this plan. Settings that a later version adds to a plan don't count.

    Args:
        before: the plan that it was measured by, as read from a file.
        plan: the plan now.
    """
    if isinstance(before, dict) and isinstance(plan, dict):
        return all(key in plan and agrees(value, plan[key]) for key, value in before.items())
    return before == as_json(plan)
