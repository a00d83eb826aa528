#!/usr/bin/env python3
"""A lint that finds nothing proves nothing: plants one violation of each rule
in a clean tree, and demands that it is found, and nothing else with it.

Method: a small tree with every layer that has no finding; then for each plant
a copy of it with one file more. At the end every check that exists has been
seen to fail at least once.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import csource
import house
import lint

HEADER = "/*\n * x - y.\n *\n * Layer     z\n * Threads   any\n */\n"
STYLE = pathlib.Path(__file__).parents[2] / ".clang-format"

CLEAN = {
    "CMakeLists.txt": "", "README.md": "", "LICENSE": "", "docs/x.md": "",
    "systemd/x.service": "",
    "rules/base/err.h": HEADER, "rules/ledger/entry.h": HEADER,
    "store/env.c": '#include <lmdb.h>\n\n#include "rules/base/err.h"\n',
    "store/journal.h": HEADER + '#include "rules/ledger/entry.h"\n',
    "gateway/ingest/json.c": "#include <cjson/cJSON.h>\n",
    "gateway/core/engine.h": HEADER + '#include "store/journal.h"\n',
    "gateway/edge/mqtt.c": "#include <MQTTAsync.h>\n#include <sys/stat.h>\n",
    "gateway/config.h": HEADER + '#include "rules/base/err.h"\n',
    "gateway/depotd.c": '#include "gateway/config.h"\n'
                        "/* strcpy() in a comment, \"sprintf(\" too */\n"
                        'static const char text[] = "atoi(";\n',
    "tests/run": "#!/bin/bash\ntrue\n",
}


# The other halves of the planted cycles: from header to header, and from a
# module's part to another module and back.
CYCLE = {
    "rules/ledger/place.h": HEADER + '#include "rules/ledger/entry.h"\n',
    "store/journal_row.h": HEADER,
    "store/other.h": HEADER,
    "store/other.c": '#include "store/journal_row.h"\n',
}


def lines(count, of):
    return of * count


# (check that must find it, path, content)
PLANTS = [
    ("top", "notes/x.md", ""),
    ("include", "store/x.c", '#include "journal.h"\n'),
    ("include", "tests/x.c", '#include "no/such.h"\n'),
    ("layer", "rules/base/x.c", '#include "rules/ledger/entry.h"\n'),
    ("layer", "rules/ledger/x.c", '#include "store/journal.h"\n'),
    ("layer", "store/x.c", '#include "gateway/core/engine.h"\n'),
    ("layer", "gateway/ingest/x.c", '#include "gateway/core/engine.h"\n'),
    ("layer", "gateway/edge/x.c", '#include "gateway/config.h"\n'),
    ("layer", "gateway/config_x.c", '#include "gateway/core/engine.h"\n'),
    ("cycle", "rules/ledger/entry.h",
     HEADER + '#include "rules/ledger/place.h"\n'),
    ("cycle", "store/y.h", HEADER + '#include "store/y.h"\n'),
    ("cycle", "store/journal.c", '#include "store/journal_row.h"\n\n'
                                 '#include "store/other.h"\n'),
    ("home", "store/x.c", "#include <sodium.h>\n"),
    ("home", "gateway/edge/x.c", "#include <lmdb.h>\n"),
    ("home", "gateway/depotd.c", "#include <MQTTAsync.h>\n"),
    ("header", "rules/base/x.c", "#include <time.h>\n"),
    ("header", "gateway/core/x.c", "#include <pthread.h>\n"),
    ("header", "gateway/ingest/x.c", "#include <sys/stat.h>\n"),
    ("header", "gateway/edge/x.c", "#include <curl/curl.h>\n"),
    ("function", "gateway/edge/x.c", "int x = atoi(y);\n"),
    ("function", "gateway/depotd.c", "int x = system(y);\n"),
    ("function", "store/x.c", "int x = strtoull(y, 0, 0);\n"),
    ("function", "rules/ledger/x.c", "int x = time(0);\n"),
    ("function", "rules/ledger/x.c", "void *x = malloc(3);\n"),
    ("function", "gateway/core/x.c", "int x = getenv(y);\n"),
    ("function", "store/x.c", "int x = printf(y);\n"),
    ("function", "tests/x.c", "int x = sleep(1);\n"),
    ("typedef", "store/x.c", "typedef struct x x;\n"),
    ("goto", "store/x.c", "void x(void)\n{\n\tgoto fail;\n}\n"),
    ("float", "rules/ledger/x.c", "double x;\n"),
    ("contract", "store/x.h", "/*\n * x - y.\n *\n * Layer     store\n */\n"),
    ("contract", "store/x.h", "int x;\n"),
    ("function-lines", "store/x.c",
     "void x(void)\n{\n" + lines(68, "\ty();\n") + "}\n"),
    ("file-lines", "store/x.c", lines(701, "extern int x;\n")),
    ("parameters", "store/x.c",
     "void x(int a, int (*b)(int, int), int c, int d, int e, int f)\n"
     "{\n}\n"),
    ("parameters", "store/x.c",
     "void x(int a, int b, int c, int d, int e, void *context, char *err)\n"
     "{\n}\n"),
    ("format", "store/x.c", "int  x;\n"),
    ("shell", "tests/x", "#!/bin/sh\ncd $1 && rm $2\n"),
    ("chinese", "docs/x.zh.md", "编号相同的批次\n"),
    ("chinese", "gateway/edge/x.c",
     'static const char x[] = "已被另一台设"\n\t\t\t"备使用";\n'),
]

# What must not be found: calls of members, at the bound, a test's freedom.
HARMLESS = [
    ("store/x.c", "int x = port->open(y) + z.time(0) + my_system(1);\n"),
    ("store/x.c", "void x(void)\n{\n" + lines(67, "\ty();\n") + "}\n"),
    ("store/x.c", lines(700, "extern int x;\n")),
    ("store/x.c", "void x(int a, int b, int c, int d, int e)\n{\n}\n"),
    ("store/x.c", "void x(int a, int b, int c, int d, int e, void *context,\n"
                  "       struct err *err)\n{\n}\n"),
    ("store/x.c", "typedef enum err_code x(struct y *y);\n"),
    ("store/journal_row.c", '#include "store/journal.h"\n'),
    ("tests/x.c", "unsigned long long x = strtoull(y, 0, 0);\n"),
    ("gateway/edge/x.c", "void *x = malloc(3);\n"),
]


def tree_write(root, files):
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")


def findings_with(files, is_formatted=True):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tree_write(root, {**CLEAN, **files})
        shutil.copy(STYLE, root / ".clang-format")
        if is_formatted:
            subprocess.run(["clang-format", "-i"]
                           + [str(p) for p in root.rglob("*.[ch]")],
                           check=True)
        return list(lint.findings_of(root))


def plants_are_found():
    for check, path, content in PLANTS:
        files = {path: content}
        if check == "cycle":
            files.update(CYCLE)
            files[path] = content
        found = findings_with(files, is_formatted=check != "format")
        assert found, f"{check} in {path} was not found: {content[:60]!r}"
        assert {f.check for f in found} == {check}, (check, path, found)
    return {check for check, _, _ in PLANTS}


def harmless_is_not_found():
    assert not findings_with({}), findings_with({})
    for path, content in HARMLESS:
        found = findings_with({path: content})
        assert not found, (path, found)


def a_missing_folder_is_found():
    with tempfile.TemporaryDirectory() as folder:
        found = list(lint.check_top(pathlib.Path(folder), []))
    assert len(found) == len(house.TOP), found


def archive_findings(folder, code):
    source = pathlib.Path(folder) / "x.c"
    source.write_text(code, "utf-8")
    subprocess.run(["cc", "-O0", "-c", source.name], cwd=folder, check=True)
    subprocess.run(["ar", "rc", "x.a", "x.o"], cwd=folder, check=True)
    return list(lint.check_archives("nm", [str(source.with_suffix(".a"))]))


def a_stranger_in_the_archive_is_found():
    with tempfile.TemporaryDirectory() as folder:
        found = archive_findings(
            folder, "int puts(const char *);\nint x(void);\n"
                    "int x(void)\n{\n\treturn puts(\"\");\n}\n")
        assert [f.text for f in found] == ["takes puts from outside"], found
        found = archive_findings(
            folder, "void abort(void);\nunsigned long strlen(const char *);\n"
                    "unsigned long x(const char *a);\n"
                    "unsigned long x(const char *a)\n{\n\tif (!a)\n"
                    "\t\tabort();\n\treturn strlen(a);\n}\n")
        assert not found, found
        found = list(lint.check_archives("nm", [folder + "/none.a"]))
        assert found
    return {"nm"}


def functions_are_measured():
    text = ('#define X(a) do { } while (0)\n'
            'struct s { int a; };\n'
            'static const int table[] = { 1, 2 };\n'
            '/* f(void) { */\n'
            'int one(void)\n{\n\treturn \'{\';\n}\n'
            'static void two(int a, void (*b)(int, int),\n\t\tint c[2])\n'
            '{\n\tif (a) {\n\t\tb(1, c[0]); /* } */\n\t}\n}\n')
    measured = csource.functions_of(text)
    assert measured == [csource.Function("one", 5, 4, []), csource.Function(
        "two", 9, 7, ["int a", "void (*b)(int, int)", "int c[2]"])], measured


def checks_of(path):
    """The names of all checks that lint.py can report."""
    return set(re.findall(r'(?:Finding|words|finding)\(\s*"([a-z-]+)"',
                          path.read_text("utf-8")))


def main():
    functions_are_measured()
    harmless_is_not_found()
    a_missing_folder_is_found()
    seen = plants_are_found() | a_stranger_in_the_archive_is_found()
    exist = checks_of(pathlib.Path(lint.__file__))
    assert seen == exist, f"never seen to fail: {exist ^ seen}"
    print(f"{len(PLANTS)} plants found, {len(HARMLESS)} harmless files "
          f"passed, {len(seen)} checks seen to fail")
    return 0


if __name__ == "__main__":
    sys.exit(main())
