#!/usr/bin/env python3
"""Holds payloads to the published contract: docs/api and docs/topics.md.

As a library, for the end-to-end tests:

    contract = Contract()
    contract.check(topic, payload)   # bytes; raises ContractError

As a program: without arguments it checks the contract itself (every schema,
every example in docs/api and in docs/topics.md, the AsyncAPI document); with
the argument "-" it reads lines "TOPIC PAYLOAD", as mosquitto_sub -v prints
them, and says what is wrong with each.

With --run PROGRAM it reads such lines from the program's output, and fails if
there are none.

Beyond the schemas it checks what they cannot say: sizes, duplicate keys,
topics that name what the payload names, and the sum of the stock figures.
Payloads of depot may hold nothing that the contract does not name, so that
nothing is published without being written down.
"""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAYLOAD_SIZE_MAX = 3500
INPUT_SIZE_MAX = 3840
PLAIN = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            "._-")
PARTS = ("available", "reserved", "allocated", "on_hold", "quarantine",
         "damaged")
NETWORK_PARTS = ("good", "allocated", "on_hold", "quarantine", "damaged")
NAME = "[a-z0-9-]{1,32}"

# Topics behind depot/v1/{org}/{site}/, their schemas, and whether an empty
# retained payload means that the thing is gone.
TOPICS = [
    (rf"scan/{NAME}", "scan", False),
    (rf"shelf/{NAME}", "shelf", False),
    (rf"rfid/{NAME}", "rfid", False),
    (rf"cmd/{NAME}/[a-z0-9._-]+", "cmd", False),
    (rf"res/{NAME}/[a-z0-9._-]+/(?P<id>[A-Za-z0-9._-]+)", "res", False),
    (rf"res/{NAME}/.+", "res", False),  # a response topic of the asker's
    (rf"ack/{NAME}", "ack", False),
    (r"status", "status", False),
    (r"stock/(?P<item>[^/]+)", "stock", True),
    (r"snapshot/(?P<chunk>0|[1-9][0-9]*)", "snapshot", True),
    (r"changes", "changes", False),
    (r"task/(?P<id>[^/]+)", "task", True),
    (rf"task/[^/]+/done/{NAME}", "answers", True),
    (r"alert/(?P<id>[^/]+)", "alert", True),
]
# Behind depot/v1/{org}/: what HQ says of all sites. No site is called network.
NETWORK_TOPICS = [
    (r"network/stock/(?P<item>[^/]+)", "network_stock", True),
    (r"network/stock/(?P<item>[^/]+)/(?P<page>0|[1-9][0-9]*)",
     "network_page", True),
    (r"network/status", "network_status", False),
]
INPUTS = {"scan", "shelf", "rfid", "cmd", "answers"}


class ContractError(Exception):
    """A payload, topic or example that the contract does not allow."""


def topic_level(name):
    """A name as one level of a topic."""
    return "".join(chr(b) if chr(b) in PLAIN else f"%{b:02X}"
                   for b in name.encode())


def unique_keys(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ContractError(f"a key stands twice: {keys}")
    return dict(pairs)


def parse(payload):
    """JSON in UTF-8, no key twice, no NaN."""
    def no_constant(name):
        raise ContractError(f"{name} is no JSON")
    try:
        return json.loads(payload.decode("utf-8"),
                          object_pairs_hook=unique_keys,
                          parse_constant=no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ContractError(f"not JSON: {error}") from error


def resolved(node, common):
    """@node with what it refers to in its place, recursively."""
    if isinstance(node, list):
        return [resolved(entry, common) for entry in node]
    if not isinstance(node, dict):
        return node
    node = {key: resolved(value, common) for key, value in node.items()}
    ref = node.pop("$ref", None)
    if ref is None:
        return node
    file, _, path = ref.partition("#/$defs/")
    if file not in ("common.json", ""):
        raise ContractError(f"{ref}: not a definition in common.json")
    return {**resolved(common["$defs"][path], common), **node}


def closed(node):
    """@node, its objects holding nothing that is not named."""
    if isinstance(node, list):
        return [closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    node = {key: closed(value) if key not in ("examples", "enum", "const")
            else value for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


class Contract:
    def __init__(self, root=ROOT):
        self.root = pathlib.Path(root)
        folder = self.root / "docs/api/schemas"
        self.files = {path.stem: json.loads(path.read_text("utf-8"))
                      for path in sorted(folder.glob("*.json"))}
        self.common = self.files.pop("common")
        self.open = {}  # as published: unknown fields are ignored
        self.closed = {}
        for name, schema in self.files.items():
            schema = resolved(schema, self.common)
            jsonschema.Draft202012Validator.check_schema(schema)
            self.open[name] = jsonschema.Draft202012Validator(schema)
            self.closed[name] = jsonschema.Draft202012Validator(closed(schema))
        self.checked = 0  # payloads, for tests that prove they ran

    def check_value(self, name, value, is_closed=True):
        """@value against the schema @name, and what a schema can't say."""
        validator = (self.closed if is_closed else self.open)[name]
        errors = sorted(validator.iter_errors(value), key=str)
        if errors:
            where = "/".join(str(part) for part in errors[0].absolute_path)
            raise ContractError(f"{name}: {where}: {errors[0].message}")
        rows = value["rows"] if "rows" in value else [value]
        if name in ("stock", "snapshot", "changes"):
            for row in rows:
                check_sum(row)
        if name in ("network_stock", "network_page"):
            for row in rows:
                check_network_sum(row)

    def check(self, topic, payload):
        """One message as a subscriber gets it. Returns the value, or None for
        an empty payload."""
        prefix = re.match(rf"depot/v1/{NAME}/{NAME}/", topic)
        if not prefix:
            raise ContractError(f"{topic}: not a topic of a site")
        rest, topics = topic[prefix.end():], TOPICS
        of_network = re.match(rf"depot/v1/{NAME}/(?=network/)", topic)
        if of_network:
            rest, topics = topic[of_network.end():], NETWORK_TOPICS
        for pattern, name, may_clear in topics:
            match = re.fullmatch(pattern, rest)
            if match:
                break
        else:
            raise ContractError(f"{topic}: not in the contract")
        try:
            return self._check_match(name, match, payload, may_clear)
        except ContractError as error:
            raise ContractError(
                f"{topic}: {error}: {payload[:200]!r}") from error

    def _check_match(self, name, match, payload, may_clear):
        self.checked += 1
        if not payload:
            if not may_clear:
                raise ContractError("an empty payload")
            return None
        size = INPUT_SIZE_MAX if name in INPUTS else PAYLOAD_SIZE_MAX
        if len(payload) > size:
            raise ContractError(f"{len(payload)} bytes")
        if name == "scan" and payload.lstrip()[:1] != b"{":
            return payload.decode("utf-8")  # a bare code
        value = parse(payload)
        self.check_value(name, value, is_closed=name not in INPUTS)
        check_levels(match.groupdict(), value)
        return value


def check_sum(row):
    """on_hand is the sum of its states, in a payload or a row."""
    if isinstance(row, dict) and row.get("via") == "feed":
        check_network_sum(row)
        return
    if isinstance(row, dict):
        on_hand, parts = row["on_hand"], [row[part] for part in PARTS]
    elif len(row) > 1:
        on_hand, parts = row[1], row[2:8]
    else:
        return
    if on_hand != sum(parts):
        raise ContractError(f"on_hand {on_hand} is not the sum of {parts}")


def check_network_sum(row):
    """The same of all sites, or of one at HQ; null: more than 64 bits."""
    parts = [row[part] for part in NETWORK_PARTS]
    if row["on_hand"] is not None and row["on_hand"] != sum(parts):
        raise ContractError(f"on_hand {row['on_hand']} is not the sum of "
                            f"{parts}")


def check_levels(levels, value):
    """What the topic names is what the payload names."""
    for key, level in levels.items():
        named = value[key]
        expected = str(named) if key in ("chunk", "page") \
            else topic_level(named)
        if level != expected:
            raise ContractError(f"the topic says {level}, {key} is {named!r}")


# ---- the contract itself ----

EXAMPLE = re.compile(r"<!-- topic: (\S+) -->\n+```json\n(.*?)\n```", re.S)


def check_examples(contract):
    """Each schema shows examples, and shows nothing that it does not name."""
    count = 0
    for name, schema in contract.files.items():
        if not schema.get("examples"):
            raise ContractError(f"{name}: no example")
        for example in schema["examples"]:
            text = json.dumps(example, ensure_ascii=False).encode()
            if len(text) > PAYLOAD_SIZE_MAX:
                raise ContractError(f"{name}: an example of {len(text)} bytes")
            contract.check_value(name, parse(text))
            count += 1
    return count


def check_document(contract, path):
    """Every JSON block in the document is an example with its topic."""
    text = path.read_text("utf-8")
    found = EXAMPLE.findall(text)
    if len(found) != text.count("```json"):
        raise ContractError(f"{path.name}: a json block without its topic")
    for topic, payload in found:
        contract.check(topic, payload.encode())
    return len(found)


def refs_of(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from refs_of(value)
    elif isinstance(node, list):
        for entry in node:
            yield from refs_of(entry)


def pointed_at(document, pointer):
    node = document
    for part in pointer.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def check_channel(name, channel):
    parameters = set(re.findall(r"\{(\w+)\}", channel["address"]))
    if parameters != set(channel.get("parameters", {})):
        raise ContractError(f"asyncapi: {name}: parameters {parameters}")
    sample = re.sub(r"\{n\}", "0", channel["address"])
    sample = re.sub(r"\{\w+\}", "a-1", sample)
    return sample.removeprefix("depot/v1/a-1/").removeprefix("a-1/")


def check_asyncapi(contract):
    """Every reference leads somewhere, every schema is used, and every topic
    that the checker knows has its channel."""
    folder = contract.root / "docs/api"
    document = yaml.safe_load((folder / "asyncapi.yaml").read_text("utf-8"))
    used = set()
    for ref in refs_of(document):
        if ref.startswith("#/"):
            pointed_at(document, ref)
        elif not (folder / ref).is_file():
            raise ContractError(f"asyncapi: {ref}: no such file")
        else:
            used.add(pathlib.Path(ref).stem)
    if used != set(contract.files):
        raise ContractError(f"asyncapi: uses {used ^ set(contract.files)}")
    samples = [check_channel(name, channel)
               for name, channel in document["channels"].items()]
    for pattern, name, _ in TOPICS + NETWORK_TOPICS:
        if not any(re.fullmatch(pattern, sample) for sample in samples):
            raise ContractError(f"asyncapi: no channel for {name}")
    with_operation = {op["channel"]["$ref"].rpartition("/")[2]
                      for op in document["operations"].values()}
    if with_operation != set(document["channels"]):
        raise ContractError("asyncapi: a channel without an operation")
    return len(samples)


def spoilt(contract):
    """Payloads that must be refused, each an example with one thing wrong."""
    stock = contract.files["stock"]["examples"][0]
    chunk = contract.files["snapshot"]["examples"][0]
    ack = contract.files["ack"]["examples"][0]
    scan = contract.files["scan"]["examples"][0]
    here = "stock/" + topic_level(stock["item"])
    yield here, json.dumps({**stock, "on_hand": 114})
    yield here, json.dumps({**stock, "on_hand": None})
    yield here, json.dumps({**stock, "extra": 1})
    yield here, json.dumps({**stock, "as_of": "2026-11-22 10:00:00"})
    yield here, json.dumps({**stock, "damaged": -3, "on_hand": 109})
    yield here, json.dumps(stock).replace('"v": 1,', '"v": 1, "v": 1,')
    yield here, json.dumps({**stock, "name_en": "x" * PAYLOAD_SIZE_MAX})
    yield here, "{"
    yield here, json.dumps({k: v for k, v in stock.items() if k != "pos"})
    yield "stock/other", json.dumps(stock)
    yield "stock/" + topic_level(stock["item"]).lower(), json.dumps(stock)
    yield "snapshot/1", json.dumps(chunk)
    yield "snapshot/0", json.dumps(
        {**chunk, "rows": [["A", 2, 1, 0, 0, 0, 0, 0, 1, 1]]})
    yield "snapshot/0", json.dumps({**chunk, "rows": [["A"]]})
    yield "ack/dock-1", json.dumps({**ack, "upto": 17})
    yield "ack/dock-1", ""
    yield "ack/Dock_1", json.dumps(ack)
    yield "scan/dock-1", json.dumps({**scan, "code": "1"})
    yield "scan/dock-1", json.dumps({**scan, "op": "steal"})
    yield "scan/dock-1", json.dumps({"v": 1, "op": "pick"})
    yield "nowhere/1", json.dumps(stock)
    total = contract.files["network_stock"]["examples"][0]
    page = contract.files["network_page"]["examples"][0]
    network = "../network/stock/" + topic_level(total["item"])
    yield network, json.dumps({**total, "on_hand": total["on_hand"] + 1})
    yield network, json.dumps({**total, "available": 1})
    yield network + "/7", json.dumps(page)
    yield network + "/0", json.dumps({**page, "rows": []})
    yield "../network/status", ""


def topic_of(name):
    """In full: behind a site's prefix, or with ../ the organisation's."""
    full = "depot/v1/acme/hz-01/" + name
    return full.replace("hz-01/../", "")


def check_refusals(contract):
    count = 0
    for topic, payload in spoilt(contract):
        try:
            contract.check(topic_of(topic), payload.encode())
        except ContractError:
            count += 1
            continue
        raise ContractError(f"{topic}: {payload[:80]} was not refused")
    return count


def check_lines(contract, lines):
    """Lines "TOPIC PAYLOAD"; the payload may be empty. Returns the number of
    those that are wrong."""
    wrong = 0
    for line in lines:
        topic, _, payload = line.rstrip(b"\n").partition(b" ")
        try:
            contract.check(topic.decode(), payload)
        except ContractError as error:
            print(error)
            wrong += 1
    print(f"{contract.checked} payloads, {wrong} wrong")
    return wrong


def check_itself(contract):
    print(f"{len(contract.files)} schemas, {check_examples(contract)} "
          f"examples, {check_asyncapi(contract)} channels, "
          f"{check_document(contract, contract.root / 'docs/topics.md')} "
          f"examples in topics.md, {check_refusals(contract)} refusals")


def main(arguments):
    contract = Contract()
    if not arguments:
        check_itself(contract)
        return 0
    if arguments == ["-"]:
        return 1 if check_lines(contract, sys.stdin.buffer) else 0
    if len(arguments) == 2 and arguments[0] == "--run":
        output = subprocess.run(arguments[1], stdout=subprocess.PIPE,
                                check=True).stdout
        wrong = check_lines(contract, output.splitlines())
        return 1 if wrong or contract.checked == 0 else 0
    print("usage: schema_check.py [- | --run PROGRAM]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
