#!/usr/bin/python3
"""Writes the zone files and vectors.tsv beside this script.

The oracle is Python's zoneinfo (PEP 615) with fold=0, reading the very files
that lie here. Run it by hand when the table has to grow; the tests read only
what it wrote. Usage: generate.py [FOLDER_OF_ZONES]
"""

import datetime
import pathlib
import random
import shutil
import sys
import zoneinfo

HERE = pathlib.Path(__file__).resolve().parent
ZONES = {
    "berlin": "Europe/Berlin",
    "dublin": "Europe/Dublin",  # winter is the exception there
    "new-york": "America/New_York",
    "sao-paulo": "America/Sao_Paulo",  # clocks went forward at midnight
    "shanghai": "Asia/Shanghai",  # summer time in 1986 to 1991
    "kathmandu": "Asia/Kathmandu",  # 5:45
    "lord-howe": "Australia/Lord_Howe",  # goes forward by half an hour
    "apia": "Pacific/Apia",  # left out 30 December 2011
    "casablanca": "Africa/Casablanca",  # goes back for Ramadan
    "nuuk": "America/Nuuk",  # its rule has negative hours
    "utc": "UTC",
}
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY_ZERO = datetime.date(1970, 1, 1)
LAST = int((datetime.datetime(2400, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())


def of_seconds(seconds):
    return EPOCH + datetime.timedelta(seconds=seconds)


def local(zone, date, minute):
    """Seconds since 1970 of a time of the day, fold = 0."""
    wall = datetime.datetime.combine(
        date, datetime.time(minute // 60, minute % 60), tzinfo=zone)
    return int((wall.astimezone(UTC) - EPOCH).total_seconds())


def changes(zone, first, last):
    """Seconds at which the offset changes, found by bisection."""
    step = 7 * 86400
    found = []
    before = first
    while before < last:
        after = before + step
        low, high = before, after
        old = of_seconds(low).astimezone(zone).utcoffset()
        if of_seconds(high).astimezone(zone).utcoffset() != old:
            while high - low > 1:
                middle = (low + high) // 2
                if of_seconds(middle).astimezone(zone).utcoffset() == old:
                    low = middle
                else:
                    high = middle
            found.append(high)
        before = after
    return found


def slots(zone, date, plan):
    times, weekdays, every_h = plan
    if not weekdays >> date.weekday() & 1:
        return []
    if every_h == 0:
        return [local(zone, date, minute) for minute in times]
    begin = local(zone, date, 0)
    end = local(zone, date + datetime.timedelta(days=1), 0)
    step = every_h * 3600
    return [at for at in range(begin, end, step)
            if at == begin or 2 * (end - at) >= step]


def next_due(zone, plan, after):
    today = of_seconds(after).astimezone(zone).date()
    best = None
    for offset in range(-2, 20):
        date = today + datetime.timedelta(days=offset)
        if date < DAY_ZERO:
            continue
        for at in slots(zone, date, plan):
            if at > after and (best is None or at < best):
                best = at
    return best


def random_plan(rng):
    weekdays = rng.choice([127, 127, 31, 96, 1 << rng.randrange(7),
                           rng.randrange(1, 128)])
    if rng.random() < 0.4:
        return ([], weekdays, rng.choice([1, 2, 3, 4, 6, 8, 12]))
    count = rng.choice([1, 1, 2, 3, 10])
    minutes = {rng.choice([0, 30, 90, 120, 150, 180, 480, 1200, 1439,
                           rng.randrange(1440)]) for _ in range(count)}
    return (sorted(minutes), weekdays, 0)


def rows(name, zone, rng):
    edges = changes(zone, 0, LAST)
    near = [0, 1, 86399, 2**31 - 1, 2**31, 2**32, LAST]
    for edge in edges[:30] + rng.sample(edges, min(20, len(edges))):
        near += [edge - 1, edge, edge + 1]
    for at in near + [rng.randrange(LAST) for _ in range(20)]:
        offset = of_seconds(at).astimezone(zone).utcoffset()
        yield "offset", name, at, int(offset.total_seconds())
    picked = rng.sample(edges, min(40, len(edges)))
    for at in picked + [rng.randrange(LAST) for _ in range(15)]:
        date = of_seconds(at).astimezone(zone).date()
        minute = rng.choice([0, 30, 60, 90, 120, 150, 180, 1439])
        seconds = local(zone, date, minute)
        if seconds >= 0:
            yield "wall", name, (date - DAY_ZERO).days, minute, seconds
    month_ends = [int((datetime.datetime(year, month, day, 20, tzinfo=UTC)
                       - EPOCH).total_seconds())
                  for year, month, day in [
                      (1970, 1, 31), (1999, 12, 31), (2000, 2, 28),
                      (2000, 2, 29), (2026, 4, 30), (2038, 1, 18),
                      (2100, 2, 28), (2399, 12, 31)]]
    around = [at + rng.randrange(-90000, 90000) for at in picked]
    for at in month_ends + around + [0, 2**31 - 1]:
        at = max(at, 0)
        plan = random_plan(rng)
        times = " ".join(f"{m // 60:02}:{m % 60:02}" for m in plan[0]) or "-"
        yield ("due", name, at, times, plan[1], plan[2],
               next_due(zone, plan, at))


def main():
    folder = pathlib.Path(
        sys.argv[1] if len(sys.argv) > 1 else "/usr/share/zoneinfo")
    rng = random.Random(20261122)
    with open(HERE / "vectors.tsv", "w", encoding="ascii") as out:
        for name, key in ZONES.items():
            shutil.copyfile(folder / key, HERE / f"{name}.tzif")
            with open(HERE / f"{name}.tzif", "rb") as file:
                zone = zoneinfo.ZoneInfo.from_file(file, key)
            for row in rows(name, zone, rng):
                print(*row, sep="\t", file=out)


if __name__ == "__main__":
    main()
