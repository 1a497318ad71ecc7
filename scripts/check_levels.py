#!/usr/bin/env python3
"""usage: check_levels.py LIBRARY     fails where code of one instruction-set level can get into a program's other parts

Looks at the objects NAME_cpu_LEVEL.o of a static library (Note [Levels apart] in cmake/LongviewKernels.cmake). From outside only
kernels may be visible: those with the level's name in theirs and, in the first level, the functions that choose between levels.
No level may have variables other than its own, since they would be copies of a header's.
"""
import re
import subprocess
import sys

MEMBER = re.compile(r"^\w+_cpu_(\w+)\.o: ")
SYMBOL = re.compile(r"^[0-9a-f]+ (.)...... (\S+)\t[0-9a-f]+ +(?:\.hidden )?(\S+)$")
KERNEL = "_ZN2lv7kernels3cpu"
VARIABLES = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)\b")


def complaint(symbol, level, is_first):
    scope, section, name = symbol.groups()
    of_level = f"{len(level)}{level}" in name
    if section != "*UND*" and scope != "l" and not (name.startswith(KERNEL) and (of_level or is_first)):
        return "is visible outside"
    if VARIABLES.match(section) and not of_level and not name.startswith((".", "DW.ref.")):
        return "is a variable of which every level has a copy"
    return None


def main():
    listing = subprocess.check_output(["objdump", "--syms", sys.argv[1]], text=True)
    levels, is_level, offenders = [], False, []
    for line in listing.splitlines():
        if line.endswith("file format elf64-x86-64"):
            member = MEMBER.match(line)
            is_level = member is not None
            levels += [member[1]] if member else []
        elif is_level and (symbol := SYMBOL.match(line)):
            text = complaint(symbol, levels[-1], len(levels) == 1)
            offenders += [f"level {levels[-1]}: {symbol[3]} {text}"] if text else []
    print(*offenders, sep="\n", end="\n" if offenders else "")
    print(f"{len(levels)} levels: {', '.join(levels) or 'none found'}")
    return 1 if offenders or not levels else 0


if __name__ == "__main__":
    sys.exit(main())
