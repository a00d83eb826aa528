"""The result as Markdown."""


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def skipped(name, result, columns):
    return [f"`{name}`", f"not measured: {result['not_measured']}",
            *[""] * (columns - 2)]


def cost(figures):
    return f"{number(figures['bytes'])} ({figures['round_trips']})"


WIRE = ("peer", "bulk, B a movement", "movements/s", "receiver, MiB",
        "one urgent, B", "in sync, B", "10 new on one feed, B",
        "10 new on each, B")


def wire_rows(peers):
    for name, result in peers.items():
        if "not_measured" in result:
            yield skipped(name, result, len(WIRE))
        elif "wire" in result:
            figures = result["wire"]
            bulk = figures["bulk"]
            yield [f"`{name}`", number(bulk["bytes_a_movement"]),
                   number(bulk["movements_a_second"]),
                   number(bulk["receiver_kib"] / 1024),
                   *[cost(figures[key]) for key in (
                       "urgent", "in_sync", "one_feed", "all_feeds")]]


RATIO = ("peer", "bulk", "one urgent", "in sync", "10 new on one feed",
         "10 new on each")


def ratio_rows(peers):
    """Bytes of each as a multiple of depot's."""
    own = peers.get("depot", {}).get("wire")
    for name, result in peers.items():
        if own is not None and name != "depot" and "wire" in result:
            yield [f"`{name}`", *[
                f"{result['wire'][key]['bytes'] / own[key]['bytes']:.2f}"
                for key in ("bulk", "urgent", "in_sync", "one_feed",
                            "all_feeds")]]


ACCIDENT = ("peer", "first 100", "100 after the image", "150 others",
            "1 later", "proof, B", "errors", "verdict")


def accident_rows(peers):
    for name, result in peers.items():
        if "not_measured" in result:
            yield skipped(name, result, len(ACCIDENT))
        elif "accident" in result:
            seen = result["accident"]["evidence"]
            counts = [f"{seen['reader'][key]}, {seen['writer'][key]}"
                      for key in ("common", "orphans", "others", "after")]
            proof = max((fork["bytes"] for fork in seen["forks"]), default=0)
            yield [f"`{name}`", *counts, str(proof or "-"),
                   str(len(seen["errors"]) or "-"),
                   result["accident"]["verdict"]]


def about_rows(peers):
    for name, result in peers.items():
        if "about" in result:
            about = result["about"]
            yield [f"`{name}`", f"{about['name']} {about['version']}",
                   about["verifies"]]


def markdown(document):
    peers, sizes = document["peers"], document["sizes"]
    where = document["machine"]
    return "\n\n".join([
        f"{where['cores']} cores, Linux {where['kernel']}, load"
        f" {where['load']} before.",
        f"Bulk: {sizes['bulk']:,} movements of the retail year on one feed."
        f" The others: {sizes['feeds']} feeds with {sizes['history']}"
        " movements each before. Bytes at the socket, both ways; in brackets"
        " round trips.",
        table(WIRE, wire_rows(peers)),
        "Bytes, as a multiple of depot's.",
        table(RATIO, ratio_rows(peers)),
        "The restored image: entries that the reader and the writer have"
        " after the sync.",
        table(ACCIDENT, accident_rows(peers)),
        "What the reader verifies.",
        table(("peer", "program", "verifies"), about_rows(peers))])
