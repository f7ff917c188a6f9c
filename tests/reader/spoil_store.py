#!/usr/bin/env python3
# Lets read_store.py read spoiled copies of a store, at random.
"""Spoils copies of a store, at random, and lets read_store.py read them.

    spoil_store.py FILE ROUNDS SEED

Bytes are changed, runs of bytes are zeroed, the end is cut off; and fields of records are
changed and the checksum is made right again, so that the checks behind it are tried as well.
The reader may refuse the file or print what it finds. Anything else is a failure.
"""

import os
import random
import struct
import sys
import tempfile

import read_store as r

LEAST_LINES = 20000     # so much of a spoiled value is enough


def records_of(path):
    """Where the records are, and how long."""
    log = r.Log(r.File(path))
    offset, size, _ = log.head
    data = log.file.read(offset, size)
    at = r.SEGMENT.size
    while True:
        checksum, n, _, _, kind, _ = r.RECORD.unpack_from(data, at)
        if not n or at + n > size or checksum != r.crc32c(data[at + 4:at + n]):
            return
        yield offset + at, n, kind
        at += n


def spoil(data, records, extents, draw):
    """Changes a copy of the file in one way or another."""
    way = draw.randrange(6)
    if way == 0:                        # any byte of the log, of a superblock, of a payload
        start, n = draw.choice(records + extents + [(0, 128), (4096, 128)])[:2]
        data[start + draw.randrange(n)] ^= 1 << draw.randrange(8)
    elif way == 1:
        start, n = draw.choice(records)[:2]
        data[start:start + n] = bytes(n)
    elif way == 2:
        del data[draw.randrange(len(data)):]
    elif way == 3:                      # cells: ids, places of strings, windows
        start, n = draw.choice(extents)[:2]
        at = start + draw.randrange(max(1, n // 8)) * 8
        struct.pack_into("<Q", data, at, draw.choice([0, 1, 5, 2**31, 2**63, draw.getrandbits(64),
                                                      draw.randrange(1, 60)]))
    else:                               # a field of a record, and a right checksum
        for start, n, _ in draw.sample(records, min(len(records), draw.randrange(1, 4))):
            at = start + 24 + draw.randrange((n - 24) // 4) * 4
            value = draw.choice([0, 1, 2, 7, 64, 4096, 2**31, 2**32 - 1, draw.getrandbits(32),
                                 draw.randrange(100)])
            struct.pack_into("<I", data, at, value)
            struct.pack_into("<I", data, start, r.crc32c(data[start + 4:start + n]))


def read_all(path):
    """Whether all of it could be read."""
    lines = 0

    def write(_):
        nonlocal lines
        lines += 1
        if lines > LEAST_LINES:
            raise r.Refused("enough")

    good = True
    try:
        store = r.Store(path)
    except r.Refused:
        return False
    try:
        store.print_names(write)
    except r.Refused:
        good = False
    for name in store.names:
        lines, store.open = 0, set()
        try:
            store.print_value(name, write)
        except r.Refused as why:
            good = good and str(why) == "enough"
    return good


def main():
    path, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    with open(path, "rb") as f:
        whole = f.read()
    records = list(records_of(path))
    store = r.Store(path)
    extents = [(e.offset, e.size) for e in store.entries.values() if e.size]
    counts = {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as folder:
        spoiled = os.path.join(folder, "spoiled.bin")
        for _ in range(rounds):
            data = bytearray(whole)
            spoil(data, records, extents, draw)
            with open(spoiled, "wb") as f:
                f.write(data)
            counts[read_all(spoiled)] += 1
    print(f"{counts[False]} of {rounds} spoiled copies were refused, {counts[True]} were read")
    return 0 if counts[False] > rounds // 3 else 1


if __name__ == "__main__":
    sys.exit(main())
