#!/usr/bin/env python3
"""Holds the house: layers, cycles, homes of headers, forbidden names, sizes,
contracts, formatting. Written rules without a tool decay.

usage: lint.py ROOT [--nm NM ARCHIVE...]

The rules are tables in house.py. Every finding is printed with its place;
then the sizes, so that drift is seen; exit code 1 if there was a finding.
"""

import argparse
import fnmatch
import pathlib
import re
import statistics
import subprocess
import sys
from typing import NamedTuple

import csource
import house


class Finding(NamedTuple):
    check: str
    path: str
    line: int
    text: str


class Source:
    """One C file: where it stands, what it says."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text("utf-8", "replace")
        self.code = csource.code_of(self.text)
        self.layer = layer_of(path)
        self.is_product = not path.startswith("tests/")

    def finding(self, check, at, text):
        """A finding at offset @at of the code."""
        return Finding(check, self.path, self.code.count("\n", 0, at) + 1,
                       text)

    def words(self, check, pattern, text):
        for match in re.finditer(pattern, self.code):
            yield self.finding(check, match.start(), text % match[1])


def layer_of(path):
    fits = [p for p in house.LAYERS if path.startswith(p)]
    return house.LAYERS[max(fits, key=len)] if fits else "tests"


def sources_of(root):
    folders = ("rules", "store", "gateway", "tests")
    paths = sorted(p.relative_to(root).as_posix() for f in folders
                   for p in (root / f).rglob("*.[ch]") if p.is_file())
    return [Source(root, p) for p in paths]


# ---- the include graph ----

def check_includes(root, sources):
    for s in sources:
        for line, is_system, name in csource.includes_of(s.text):
            if not is_system:
                yield from check_own_include(root, s, line, name)
            elif s.is_product:
                yield from check_foreign_include(s, line, name)


def check_own_include(root, s, line, name):
    if not (root / name).is_file():
        yield Finding("include", s.path, line,
                      f'"{name}" is not written from the root')
    elif s.is_product:
        layer = layer_of(name)
        if layer != s.layer and layer not in house.MAY_INCLUDE[s.layer]:
            yield Finding("layer", s.path, line,
                          f"layer {s.layer} may not include {name}")


def check_foreign_include(s, line, name):
    for header, homes in house.HOMES.items():
        if fnmatch.fnmatch(name, header):
            if not any(fnmatch.fnmatch(s.path, h) for h in homes):
                yield Finding("home", s.path, line,
                              f"<{name}> belongs in {', '.join(homes)}")
            return
    allowed = (house.PURE_HEADERS if s.layer in house.PURE
               else house.SYSTEM_HEADERS)
    is_folder = (s.layer not in house.PURE
                 and name.startswith(house.SYSTEM_FOLDERS))
    if (name not in allowed and not is_folder
            and (s.path, name) not in house.PURE_EXCEPTIONS):
        yield Finding("header", s.path, line,
                      f"<{name}> has no place in layer {s.layer}")


def module_of(path, stems):
    """X_y is a part of the module X that stands beside it."""
    stem = path.rsplit(".", 1)[0]
    folder, _, name = stem.rpartition("/")
    words = name.split("_")
    for count in range(1, len(words)):
        whole = folder + "/" + "_".join(words[:count])
        if whole in stems:
            return whole
    return stem


def check_cycles(_root, sources):
    """No header reaches itself, and no module another that needs it."""
    stems = {s.path.rsplit(".", 1)[0] for s in sources}
    headers, modules = {}, {}
    for s in sources:
        used = [name for _, is_system, name in csource.includes_of(s.text)
                if not is_system]
        if s.path.endswith(".h"):
            headers[s.path] = set(used)
        module = module_of(s.path, stems)
        modules.setdefault(module, set()).update(
            {module_of(name, stems) for name in used} - {module})
    for what, graph in (("headers", headers), ("modules", modules)):
        for cycle in sorted(cycles_of(graph)):
            yield Finding("cycle", cycle[0], 0, f"{what} that need each "
                          "other: " + ", ".join(cycle))


def reached_from(graph, start):
    reached, todo = set(), [start]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in reached:
                reached.add(other)
                todo.append(other)
    return reached


def cycles_of(graph):
    """The sets whose members all reach each other."""
    reached = {name: reached_from(graph, name) for name in graph}
    return {tuple(sorted({name} | {other for other in reached[name]
                                   if name in reached.get(other, ())}))
            for name in graph if name in reached[name]}


# ---- words ----

def call_of(names):
    """A call of one of @names that is no member and no definition's part."""
    return (r"(?<![\w.])(?<!->)(" + "|".join(sorted(names)) + r")\s*\(")


def forbidden_for(s):
    names = set(house.FORBIDDEN)
    if s.is_product:
        names |= house.FORBIDDEN_PRODUCT
    if s.layer in house.PURE:
        names |= house.FORBIDDEN_PURE
    if s.layer in house.SILENT:
        names |= house.FORBIDDEN_SILENT
    if s.layer in house.HEAPLESS:
        names |= house.FORBIDDEN_HEAP
    return names


def check_words(_root, sources):
    for s in sources:
        yield from s.words("function", call_of(forbidden_for(s)),
                           f"%s() is forbidden in layer {s.layer}")
        yield from s.words("typedef",
                           r"\btypedef\s+(?:const\s+)?(struct|union|enum)\b"
                           r"[^;{(]*[;{]", "a %s has no typedef here")
        if s.is_product:
            yield from s.words("goto", r"\bgoto\s+(?!out\b)(\w+)",
                               "goto %s: there is one label, out")
        if s.path.startswith(house.FLOATLESS):
            yield from s.words("float", r"\b(float|double)\b",
                               "%s has no place near quantities")


def check_contracts(_root, sources):
    """Every header of the product begins by saying what it is for."""
    for s in sources:
        if not s.is_product or not s.path.endswith(".h"):
            continue
        comment = re.match(r"/\*.*?\*/", s.text, re.S)
        said = comment[0] if comment else ""
        for word in ("Layer", "Threads"):
            if not re.search(rf"^ \* {word}\s+\S", said, re.M):
                yield Finding("contract", s.path, 1,
                              f"the first comment does not say {word}")


# ---- sizes ----

def check_sizes(_root, sources):
    for s in sources:
        if not s.is_product:
            continue
        lines = s.text.count("\n")
        if lines > house.FILE_LINES_MAX and s.path not in house.DATA_TABLES:
            yield Finding("file-lines", s.path, lines,
                          f"more than {house.FILE_LINES_MAX} lines")
        for f in csource.functions_of(s.text):
            if f.length > house.FUNCTION_LINES_MAX:
                yield Finding("function-lines", s.path, f.line,
                              f"{f.name} has {f.length} lines, at most "
                              f"{house.FUNCTION_LINES_MAX}")
            count = len([p for p in f.parameters
                         if p not in house.PARAMETERS_FREE])
            if count > house.PARAMETERS_MAX and \
                    (s.path, f.name) not in house.PARAMETERS_GIVEN:
                yield Finding("parameters", s.path, f.line,
                              f"{f.name} has {count} parameters, at most "
                              f"{house.PARAMETERS_MAX}")


def sizes_print(sources):
    product = [s for s in sources if s.is_product]
    functions = [(f.length, f"{s.path}: {f.name}") for s in product
                 for f in csource.functions_of(s.text)]
    files = [(s.text.count("\n"), s.path) for s in product]
    for what, sizes in (("function", functions), ("file", files)):
        if len(sizes) < 2:
            continue
        lengths = [length for length, _ in sizes]
        percentile = statistics.quantiles(lengths, n=20)[18]
        print(f"{len(sizes)} {what}s, lines: "
              f"median {statistics.median(lengths):.0f}, "
              f"p95 {percentile:.0f}, max {max(sizes)[0]} ({max(sizes)[1]})")


# ---- other tools ----

def run(command):
    """Output of a tool, and whether it found nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=300, check=False)
    except FileNotFoundError:
        return f"{command[0]} is not installed", False
    return (done.stdout + done.stderr).strip(), done.returncode == 0


def check_format(root, sources):
    if not sources:
        return
    said, is_clean = run(["clang-format", "--dry-run", "-Werror",
                          "--style=file"]
                         + [str(root / s.path) for s in sources])
    if is_clean:
        return
    places = re.findall(r"^(\S+?):(\d+):\d+: error:", said, re.M)
    for path, line in dict(reversed(places)).items():
        yield Finding("format", str(pathlib.Path(path).relative_to(root)),
                      int(line), "clang-format would change this")
    if not places:
        yield Finding("format", "", 0, said)


def check_shell(root, _sources):
    """Every shell script, found by its first line."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if (parts[0] in (".git", "docs") or parts[0].startswith("build")
                or not path.is_file()):
            continue
        with path.open("rb") as file:
            first = file.readline(80)
        if not re.match(rb"#!.*\b(ba)?sh\b", first):
            continue
        said, is_clean = run(["shellcheck", "-x", "-P", str(root), "-f",
                              "gcc", str(path)])
        if not is_clean:
            yield Finding("shell", "/".join(parts), 1, said)


def check_chinese(root, _sources):
    """In texts, the page and the guides; a string may break anywhere."""
    for path in sorted(p for f in ("docs", "gateway", "rules", "store")
                       for p in (root / f).rglob("*.*")
                       if p.suffix in (".c", ".h", ".js", ".md")):
        name = path.relative_to(root).as_posix()
        text = path.read_text("utf-8", "replace")
        for word, instead in house.CHINESE:
            if (name, word) in house.CHINESE_EXCEPTIONS:
                continue
            broken = re.sub(r"(?<=[^\W\d_])(?=[^\W\d_])",
                            r'(?:"\\s*")?', word)
            for match in re.finditer(broken, text):
                yield Finding("chinese", name,
                              text.count("\n", 0, match.start()) + 1,
                              f"{match[0]}: {instead}")


def check_archives(nm, archives):
    """What the archives of rules/ take from outside, against the allowlist."""
    wanted, defined = {}, set()
    for archive in archives:
        said, is_clean = run([nm, "--format=posix", archive])
        if not is_clean:
            yield Finding("nm", archive, 0, said)
        for line in said.splitlines():
            fields = line.split()
            if len(fields) >= 2 and fields[1] in "Uw":
                wanted[fields[0]] = archive
            elif len(fields) >= 2:
                defined.add(fields[0])
    for symbol, archive in sorted(wanted.items()):
        if symbol not in defined and not re.fullmatch(house.PURE_SYMBOLS,
                                                      symbol):
            yield Finding("nm", pathlib.Path(archive).name, 0,
                          f"takes {symbol} from outside")


def check_top(root, _sources):
    names = {p.name for p in root.iterdir() if not p.name.startswith(".")}
    names = {n for n in names if not re.fullmatch(r"build(-.*)?", n)}
    for name in sorted(names ^ house.TOP):
        yield Finding("top", name, 0, "is missing at the top level"
                      if name in house.TOP else
                      "does not belong at the top level")


CHECKS = (check_top, check_includes, check_cycles, check_words,
          check_contracts, check_sizes, check_format, check_shell,
          check_chinese)


def findings_of(root, nm=None, archives=()):
    root = pathlib.Path(root).resolve()
    sources = sources_of(root)
    for check in CHECKS:
        yield from check(root, sources)
    if nm:
        yield from check_archives(nm, archives)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--nm", nargs="+", default=[],
                        help="the nm program, then archives of rules/")
    words = parser.parse_args()
    findings = list(findings_of(words.root, words.nm[0] if words.nm else None,
                                words.nm[1:]))
    for f in findings:
        print(f"{f.path}:{f.line}: {f.check}: {f.text}")
    sizes_print(sources_of(pathlib.Path(words.root)))
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
