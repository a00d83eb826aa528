#!/usr/bin/python3
"""Somebody at 3 a.m. finds every event of the log, every code of an alert, and
every word for why a delta does not come in, in the operating guide, in both
languages, with what to do; and nothing there that depotd never says.

Method: the names are read from the code - the calls that write log lines, the
table of alerts, the table of the box's health, the table of the words - and
compared both ways with the first columns of the guides' tables. A guide
without one row must fail, so that the comparison is known to see.
"""

import pathlib
import re
import sys

NAME = re.compile(r"[a-z0-9_]+")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def events_of(sources):
    """In the calls of log_event and log_begin the event stands before the
    sentence: the first literals, as long as they are names."""
    events = set()
    for source in sources:
        for call in re.findall(r"\blog_(?:event|begin)\((?=[^;]*\")([^;]*);",
                               source):
            for literal in LITERAL.findall(call):
                if not NAME.fullmatch(literal):
                    break
                events.add(literal)
    return events


def codes_of(source, start):
    return set(re.findall(start + r'"([a-z_]+)",', source))


def rows_of(text, header):
    """The names in the first column of the table that begins with @header,
    each with the rest of its row."""
    found = re.search(rf"^{re.escape(header)}\n\|[- |]+\|\n((?:\|.*\n)+)",
                      text, re.M)
    assert found, f"no table {header}"
    rows = {}
    for line in found.group(1).splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        assert all(rest), f"an empty cell: {line}"
        for name in re.findall(r"`([a-z0-9_]+)`", first):
            assert name not in rows, f"{name} stands twice"
            rows[name] = rest
    return rows


def whys_of(source, table):
    """The words of one table of gateway/core/why.c."""
    found = re.search(rf"struct why {table}\[\] = \{{\n(.*?)\n\}};", source,
                      re.S)
    assert found, f"no table {table}"
    return set(re.findall(r'^\t\{"([a-z_]+)",', found.group(1), re.M))


def whys_told(text):
    """The words in brackets at the end of a first column: "(gap, forked)"."""
    words = {}
    for line in re.findall(r"^\|.*\|$", text, re.M):
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        told = re.search(r"(?:\.\.\.|…) ?[(（]([a-z_, 、]+)[)）]", first)
        for word in re.split("[,、] ?", told.group(1)) if told else ():
            assert word not in words, f"{word} stands twice"
            words[word] = rest
    return words


def differences(what, rows, names):
    """Sentences: what lacks where."""
    return ([f"{what}: {name} is not in the guide" for name in
             sorted(names - set(rows))]
            + [f"{what}: nobody says {name}" for name in
               sorted(set(rows) - names)])


HEADERS = {
    "operating.md": ("| code | means | do |", "| event | means | do |"),
    "operating.zh.md": ("| 代码 | 含义 | 处理 |", "| 事件 | 含义 | 处理 |"),
}


VOIDS = {
    "operating.md": "| void | means | do |",
    "operating.zh.md": "| 无效行 | 含义 | 处理 |",
}


def guide_differences(name, text, codes, events):
    of_codes, of_events = HEADERS[name]
    return (differences(f"{name}: codes", rows_of(text, of_codes), codes)
            + differences(f"{name}: events", rows_of(text, of_events), events))


def whys_differences(root):
    """Of the words for why a delta is not here, and of those for void rows."""
    source = (root / "gateway/core/why.c").read_text("utf-8")
    look = (root / "gateway/edge/envoy_look.c").read_text("utf-8")
    deltas, voids = whys_of(source, "deltas"), whys_of(source, "voids")
    own = set(re.findall(r'(?:return|UNREACHABLE|DAMAGED) "([a-z_]+)"', look))
    print(f"{len(deltas)} words for deltas, {len(own)} of them the envoy's, "
          f"{len(voids)} for void rows")
    assert len(deltas) > 10 and len(voids) > 5 and len(own) == 3
    found = [f"why.c: {word} is not there" for word in sorted(own - deltas)]
    for name, header in VOIDS.items():
        text = (root / "docs" / name).read_text("utf-8")
        found += differences(f"{name}: why", whys_told(text), deltas)
        found += differences(f"{name}: voids", rows_of(text, header), voids)
        short = re.sub(r"^\| `feed_stuck` (\.\.\. |…).unreachable.*\n", "",
                       text, flags=re.M)
        assert set(whys_told(text)) - set(whys_told(short)) == {"unreachable"}
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    sources = [path.read_text("utf-8") for path in
               sorted((root / "gateway").rglob("*.c"))]
    events = events_of(sources)
    alerts = codes_of((root / "gateway/core/view_alert.c").read_text("utf-8"),
                      r"\n\t\{\n\t\t")
    health = codes_of((root / "gateway/edge/vitals.c").read_text("utf-8"),
                      r"\[VITAL_[A-Z_]+\] = \{")
    print(f"{len(events)} events, {len(alerts)} alerts, {len(health)} words "
          "of health")
    assert len(events) > 30 and len(alerts) > 8 and len(health) > 5
    found = []
    for name in HEADERS:
        text = (root / "docs" / name).read_text("utf-8")
        found += guide_differences(name, text, alerts | health, events)
        short = re.sub(r"^\| `intake_held`.*\n", "", text, flags=re.M)
        assert len(guide_differences(name, short, alerts | health, events)) \
            == len(guide_differences(name, text, alerts | health, events)) + 1
    topics = (root / "docs/topics.md").read_text("utf-8")
    found += differences("topics.md", rows_of(topics,
                                              "| code | what is wrong |"),
                         alerts)
    found += whys_differences(root)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
