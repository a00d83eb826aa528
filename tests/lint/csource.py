"""Reads C just well enough to measure it: text without comments, literals and
preprocessor lines, and the functions in it."""

import re
from typing import NamedTuple

_NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


class Function(NamedTuple):
    name: str
    line: int
    length: int
    parameters: list


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text with everything that is not code blanked; lines stay."""
    return _DIRECTIVE.sub(_blank, _NOISE.sub(_blank, text))


def includes_of(text):
    """(line, is_system, path) of each #include outside comments."""
    text = _COMMENT.sub(_blank, text)
    return [(text.count("\n", 0, m.start()) + 1, m[1] == "<", m[2])
            for m in _INCLUDE.finditer(text)]


def _parameters(inside):
    """The parameters' texts: cut at commas outside parentheses."""
    depth, cuts = 0, [-1]
    for at, c in enumerate(inside):
        depth += c in "(["
        depth -= c in ")]"
        if c == "," and depth == 0:
            cuts.append(at)
    cuts.append(len(inside))
    texts = [" ".join(inside[a + 1:b].split()) for a, b in zip(cuts, cuts[1:])]
    return [] if texts in ([""], ["void"]) else texts


def _open_parenthesis(code, close):
    depth = 0
    for at in range(close, -1, -1):
        depth += code[at] == ")"
        depth -= code[at] == "("
        if depth == 0:
            return at
    return -1


def functions_of(text):
    """Every function with a body: a brace at depth 0 behind a parenthesis."""
    code = code_of(text)
    found, depth, begun = [], 0, None
    for match in re.finditer(r"[{}]", code):
        at = match.start()
        if code[at] == "{":
            before = code[:at].rstrip() if depth == 0 else ""
            if before.endswith(")"):
                opened = _open_parenthesis(code, len(before) - 1)
                name = re.search(r"(\w+)\s*$", code[:opened])
                if name:
                    begun = (name[1], code.count("\n", 0, name.start()) + 1,
                             code[opened + 1:len(before) - 1])
            depth += 1
            continue
        depth -= 1
        if depth == 0 and begun:
            name, line, inside = begun
            last = code.count("\n", 0, at) + 1
            found.append(Function(name, line, last - line + 1,
                                  _parameters(inside)))
            begun = None
    return found
