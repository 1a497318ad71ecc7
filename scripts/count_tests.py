#!/usr/bin/env python3
"""usage: count_tests.py FILE...     sums test results into "N passed, N failed, N skipped"; exit status 1 if any failed.

A FILE is CTest's JUnit report (.xml) or the output of one test program (.log). A program counts with the numbers of its own
summary line; one that has none, or that failed without counting a failure (a crash), counts as one test.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


def counts_of(output, status):
    passed, failed, skipped = 0, 0, 0
    summaries = SUMMARY.findall(output)
    if summaries:
        passed, failed, skipped = map(int, summaries[-1])
    if status == "fail" and failed == 0:
        failed = 1
    elif not summaries:
        passed, skipped = (1, 0) if status == "run" else (0, 1)
    return passed, failed, skipped


def counts_of_file(path):
    if path.endswith(".xml"):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            yield counts_of(case.findtext("system-out") or "", case.get("status"))
    else:
        with open(path) as log:
            output = log.read()
        yield counts_of(output, "run" if SUMMARY.search(output) else "fail")


def main():
    totals = [sum(column) for column in zip((0, 0, 0), *(c for path in sys.argv[1:] for c in counts_of_file(path)))]
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
