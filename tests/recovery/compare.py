#!/usr/bin/env python3
"""Compares what two runs wrote: compare.py MODE DISTURBED CALM, files of `weir consume --output json`.

MODE  records  the same records in the same order in every partition
      last     the same last value of every key
      counts   as last; and for every key the column N counts 1, 2, 3 ...: no update is lost or doubled
"""
import json
import sys


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def by_partition(records):
    parts = {}
    for r in records:
        parts.setdefault(r["partition"], []).append((r["timestamp"], r["key"], r["value"]))
    return parts


def last(records):
    return {(r["partition"], r["key"]): r["value"] for r in records}


def fail(text):
    print(text)
    sys.exit(1)


def compare_records(disturbed, calm):
    a, b = by_partition(disturbed), by_partition(calm)
    for p in sorted(set(a) | set(b)):
        x, y = a.get(p, []), b.get(p, [])
        for i, (left, right) in enumerate(zip(x, y)):
            if left != right:
                fail(f"partition {p}, record {i}: {left} instead of {right}")
        if len(x) != len(y):
            fail(f"partition {p}: {len(x)} records instead of {len(y)}")


def compare_last(disturbed, calm):
    a, b = last(disturbed), last(calm)
    for key in set(a) | set(b):
        if a.get(key) != b.get(key):
            fail(f"key {key}: last value {a.get(key)} instead of {b.get(key)}")


def compare_counts(disturbed):
    seen = {}
    for r in disturbed:
        key, n = (r["partition"], r["key"]), json.loads(r["value"])["N"]
        if n != seen.get(key, 0) + 1:
            fail(f"key {key}: count {n} behind {seen.get(key, 0)}")
        seen[key] = n


def main():
    mode, disturbed, calm = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
    if not calm:
        fail("the calm run wrote nothing")
    if mode == "records":
        compare_records(disturbed, calm)
    else:
        compare_last(disturbed, calm)
        if mode == "counts":
            compare_counts(disturbed)
    print(f"{mode}: {len(disturbed)} records agree")


main()
