"""An everyday accident, for each peer: the writer's disk is put back to an
older image of itself, and work goes on.

A writer makes 100 entries, and a reader gets them; an image of the writer's
disk is taken; it makes 100 more, and the reader has all 200. The image is put
back, the writer makes 150 other entries, and both sync; then one more entry,
and once again. What became of each entry is counted in the two replicas, and
the verdict follows from the counts and from what the programs said: nothing
here knows them.
"""

import os

from movements import made
from program import END_LIMIT, Failed, Program, Writer
from proxy import Proxy

SIZES = {"common": 100, "orphans": 100, "others": 150, "after": 1}
LIMIT = 90  # seconds after which a sync without an end is stuck


# ---- a disk's image ----

class Image:
    """The files of a folder, as they are now. They are put back into the
    same inodes: to a program that looks at those it is the same disk, as it
    is when an image is restored."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}
        for path in self._paths():
            with open(path, "rb") as file:
                self.files[path] = file.read(), os.stat(path).st_mtime_ns

    def _paths(self):
        return [os.path.join(folder, name)
                for folder, _, names in os.walk(self.folder)
                for name in names]

    def put_back(self):
        for path in set(self._paths()) - set(self.files):
            os.unlink(path)
        for path, (content, changed_ns) in self.files.items():
            with open(path, "r+b" if os.path.exists(path) else "wb") as file:
                file.write(content)
                file.truncate()
            os.utime(path, ns=(changed_ns, changed_ns))


# ---- what is in a replica ----

def census(found, sets):
    """How many movements of each of @sets are among the entries @found;
    hidden are those that only show to who asks for them, and damaged those
    that nobody wrote."""
    shown = {entry["movement"] for entry in found if not entry.get("hidden")}
    kept = {entry["movement"] for entry in found}
    counts = {name: len(shown.intersection(texts))
              for name, texts in sets.items()}
    written = set().union(*sets.values())
    counts["hidden"] = len((kept - shown) & written)
    counts["damaged"] = len(kept - written)
    return counts


# ---- the verdict ----

TEXTS = {
    "fork_proved": "fork proved ({} B)",
    "exception": "exception",
    "stuck": "stuck without a word",
    "writer_closed": "writer refuses new entries",
    "reader_closed": "reader gets nothing more",
    "unreadable": "reader's replica cannot be read",
    "lost_silently": "{} lost silently",
    "missing": "{} not at the reader",
    "hidden": "{} hidden behind others of the same name",
    "damaged": "{} damaged",
    "merged_unnoticed": "all merged, unnoticed",
    "told": "said what happened",
    "kept": "all kept",
}


def verdict(evidence):
    """[(what, count)] of @evidence, in the order of TEXTS."""
    reader, sizes = evidence["reader"], evidence["sizes"]
    has_fork = bool(evidence["forks"])
    has_error = bool(evidence["errors"])
    has_told = bool(evidence["told"])
    is_told = (has_fork or has_error or has_told
               or not all(evidence["in_sync"]))
    missing = sum(sizes[name] - reader[name]
                  for name in ("common", "orphans", "others"))
    missing -= reader["hidden"]
    if evidence["after_taken"]:
        missing += sizes["after"] - reader["after"]
    found = {
        "fork_proved": max((fork["bytes"] for fork in evidence["forks"]),
                           default=0),
        "exception": len(evidence["errors"]) if not has_fork else 0,
        "stuck": (not all(evidence["in_sync"])
                  and not has_fork and not has_error and not has_told),
        "writer_closed": not evidence["after_taken"],
        "reader_closed": (evidence["after_taken"] and is_told
                          and reader["after"] < sizes["after"]),
        "unreadable": evidence["is_unreadable"],
        "lost_silently": 0 if is_told else missing,
        "missing": missing if is_told else 0,
        "hidden": reader["hidden"],
        "damaged": reader["damaged"],
    }
    is_whole = not any(found[key] for key in (
        "writer_closed", "reader_closed", "unreadable", "lost_silently",
        "missing", "hidden", "damaged", "stuck"))
    found["merged_unnoticed"] = is_whole and not is_told
    found["told"] = has_told
    found["kept"] = is_whole and is_told
    return [(what, int(found[what])) for what in TEXTS if found[what]]


def verdict_text(findings):
    return "; ".join(TEXTS[what].format(count) for what, count in findings)


# ---- the steps ----

class Scene:
    def __init__(self, peer, folder):
        self.peer = peer
        self.folder = folder
        self.stores = {}
        for side in ("writer", "reader"):
            self.stores[side] = os.path.join(folder, side)
            os.makedirs(self.stores[side])
        self.sets = {name: made(name, size) for name, size in SIZES.items()}
        self.in_sync, self.errors, self.forks = [], [], []
        self.told = []
        self.proxy = Proxy()

    def writer(self):
        return Writer(self.peer, self.stores["writer"], 1, self.folder)

    def note(self, report):
        self.errors += [text for text in report["errors"]
                        if text not in self.errors]
        self.forks += report["forks"]
        self.told += [text for text in report["told"]
                      if text not in self.told]

    def pull(self, writer, limit):
        self.proxy.target = writer.port
        with Program(self.peer.command, "pull", self.stores["reader"],
                     self.proxy.port, writer.invitation) as reader:
            said = reader.read(limit)
            self.in_sync.append(bool(said and said.get("in_sync")))
            self.note(reader.finish(limit))

    def census(self, side):
        found, errors = self.peer.entries(self.stores[side])
        return census(found, self.sets), errors


def begin(scene):
    """Up to the accident: the reader has it all, the image a part."""
    with scene.writer() as writer:
        writer.append(0, scene.sets["common"])
        scene.pull(writer, END_LIMIT)
    image = Image(scene.stores["writer"])
    with scene.writer() as writer:
        writer.append(0, scene.sets["orphans"])
        scene.pull(writer, END_LIMIT)
    held, errors = scene.census("reader")
    if (held["common"] + held["orphans"] != 200 or errors + scene.errors
            or not all(scene.in_sync)):
        raise Failed(f"before the accident: {held} {errors} {scene.errors}")
    scene.in_sync.clear()
    return image


def go_on(scene):
    """After it; how many of the others and of the last were taken."""
    with scene.writer() as writer:
        others = writer.append(0, scene.sets["others"])
        scene.pull(writer, LIMIT)
        after = writer.append(0, scene.sets["after"])
        scene.pull(writer, LIMIT)
        scene.note(writer.program.finish())
    return others, after


def play(peer, folder):
    """The accident; what it left behind, and the verdict."""
    scene = Scene(peer, folder)
    with scene.proxy:
        begin(scene).put_back()
        others, after = go_on(scene)
    reader, errors = scene.census("reader")
    evidence = {
        "sizes": SIZES, "in_sync": scene.in_sync, "errors": scene.errors,
        "forks": scene.forks, "told": scene.told,
        "others_taken": others, "after_taken": after,
        "is_unreadable": bool(errors), "reader": reader,
        "writer": scene.census("writer")[0]}
    findings = verdict(evidence)
    return {"evidence": evidence, "findings": dict(findings),
            "verdict": verdict_text(findings)}
