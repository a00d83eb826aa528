"""The house's order as tables. A new layer, third-party header or exception
is a line here, and nowhere else."""

# Top level of the project, besides dot-files and build folders.
TOP = {"CMakeLists.txt", "README.md", "LICENSE", "gateway", "store", "rules",
       "tests", "systemd", "docs"}

# Which folder is which layer; the longest prefix wins.
LAYERS = {
    "rules/base/": "base",
    "rules/": "rules",
    "store/": "store",
    "gateway/ingest/": "ingest",
    "gateway/sync/": "sync",
    "gateway/core/": "core",
    "gateway/edge/": "edge",
    "gateway/config": "config",
    "gateway/": "programs",
}

# What a layer may include besides itself.
_BELOW_STORE = {"base", "rules"}
_BELOW_INGEST = _BELOW_STORE | {"store"}
_BELOW_CORE = _BELOW_INGEST | {"ingest", "sync"}
_BELOW_EDGE = _BELOW_CORE | {"core"}
MAY_INCLUDE = {
    "base": set(),
    "rules": {"base"},
    "store": _BELOW_STORE,
    "ingest": _BELOW_INGEST,
    "sync": _BELOW_INGEST,
    "core": _BELOW_CORE,
    "edge": _BELOW_EDGE,
    "config": {"base"},
    "programs": _BELOW_EDGE | {"edge", "config"},
}

# Layers without clock, files, threads: the C standard's headers only.
PURE = {"base", "rules", "ingest", "sync", "core"}
PURE_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "math.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h",
    "stdint.h", "stdio.h", "stdlib.h", "string.h",
}

# The standard has no "once", and cJSON's hooks are the process's.
PURE_EXCEPTIONS = {("gateway/ingest/json.c", "pthread.h")}

# Headers of the system, for every layer that is not pure.
SYSTEM_HEADERS = PURE_HEADERS | {
    "dirent.h", "fcntl.h", "getopt.h", "grp.h", "ifaddrs.h", "langinfo.h",
    "libgen.h", "locale.h", "netdb.h", "poll.h", "pthread.h", "pwd.h",
    "regex.h", "sched.h", "setjmp.h", "signal.h", "spawn.h", "syslog.h",
    "sysexits.h", "termios.h", "threads.h", "time.h", "unistd.h", "wchar.h",
}
SYSTEM_FOLDERS = ("arpa/", "linux/", "net/", "netinet/", "sys/")

# Each third-party header has one home.
HOMES = {
    "lmdb.h": ["store/env*"],
    "sodium.h": ["store/seal.c", "store/keys.c"],
    "zstd.h": ["store/pack*.c"],
    "cjson/cJSON.h": ["gateway/ingest/json.c"],
    "iconv.h": ["gateway/ingest/csv*.c"],
    "MQTTAsync.h": ["gateway/edge/mqtt.c"],
    "dlfcn.h": ["gateway/edge/mqtt_write.c"],
    "microhttpd.h": ["gateway/edge/web.c"],
    "gnutls/*": ["gateway/edge/panel_cert.c"],
    "qrencode.h": ["gateway/cli/qr.c"],
    "systemd/*": ["gateway/edge/*"],
    "ini.h": ["gateway/config.c"],
    "libsmartcols/libsmartcols.h": ["gateway/cli/*"],
    "libpq-fe.h": ["gateway/hq/*"],
}

# Never, anywhere: STYLE "Never in a change" and their kin.
FORBIDDEN = set("""
    atoi atol atoll atof strtol strtoul strtoll sprintf vsprintf strcpy strcat
    strncpy strncat strtok gmtime localtime ctime asctime system popen rand
    srand gets alloca sleep usleep nanosleep""".split())
# Not in the product; tests may.
FORBIDDEN_PRODUCT = set("strtoull strtod random srandom strtok_r".split())
# A clock, a random number, the environment, a file: not in a pure layer.
FORBIDDEN_PURE = set("""
    time clock clock_gettime gettimeofday getenv secure_getenv setenv fopen
    fdopen open openat creat read write close remove rename unlink getrandom
    getpid pthread_create""".split())
# Only edge and programs log.
FORBIDDEN_SILENT = set("printf fprintf puts putchar perror syslog vprintf "
                       "vfprintf".split())
SILENT = PURE | {"store"}
# No heap in the law. Elsewhere what has a size takes it at start.
FORBIDDEN_HEAP = set("malloc calloc realloc reallocarray free strdup strndup "
                     "asprintf vasprintf".split())
HEAPLESS = {"base", "rules"}

# No floating point where quantities are.
FLOATLESS = ("rules/base/", "rules/ledger/", "store/", "gateway/ingest/",
             "gateway/core/")

# Names that the archives of rules/ may take from outside.
PURE_SYMBOLS = (r"(__)?(mem|str)[a-z]+(_chk)?|bcmp|(__)?vsnprintf(_chk)?|"
                r"abort|sqrt|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_")

# What is said to people in Chinese has one word for a thing: (word, instead).
CHINESE = (
    ("批次", "a delta is 增量, a lot 批号"),
    ("(?:新|旧|本|另一台|两台|总部|总部的|站点的)设备",
     "a box is 盒子; 设备 are those that it takes readings from"),
)
# Another name of a column's value, which people's own tables have.
CHINESE_EXCEPTIONS = {("gateway/core/terms.c", "批次")}

# Budgets.
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 700
PARAMETERS_MAX = 5
# Not counted: where the sentence goes, and what a callback gets beside it.
PARAMETERS_FREE = {"struct err *err", "void *context"}
# Signatures that a library prescribes.
PARAMETERS_GIVEN = {("gateway/edge/web.c", "on_request")}

# Files that are data, not code: not bound by FILE_LINES_MAX.
DATA_TABLES = {"gateway/config_table.c"}
