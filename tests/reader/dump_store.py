#!/usr/bin/env python3
# Prints a small store byte by byte: the example of the book's appendix.
"""Prints a small store byte by byte, with what the bytes mean: the example of the book.

    dump_store.py FILE >tests/reader/tiny.txt

Of the payloads only extents are shown that are alive; all bytes not shown are zero or free.
"""

import struct
import sys

import read_store as r

KINDS = {v: k for k, v in vars(r).items() if k in (
    "ALLOCATE FREE SEAL COMMIT LINK MOVE EXTEND NAME".split())}
SHOW = {r.ALLOCATE: ["id {}, offset {}", "{} bytes, length {}",
                     "type {}, flags {}; no payload checksum", "owner {}"],
        r.COMMIT: ["epoch {}, next id {}"],
        r.NAME: ["id {}, put at {}", "{} bytes of name, {} of note"]}


def put(at, data, *meanings):
    for i in range(0, len(data), 16):
        row = data[i:i + 16]
        meaning = meanings[i // 16] if i // 16 < len(meanings) else ""
        print(f"{at + i:6d}  {row.hex(' '):47}  {meaning}".rstrip())


def title(text):
    print(f"\n        {text}")


def superblock(file, copy):
    data = file.read(copy * 4096, 128)
    if not any(data):
        title(f"copy {copy} of the superblock is still all zeros")
        return
    _, _, flags, _, sequence, offset, size, salt, _, end, least, _, _ = r.SUPERBLOCK.unpack(data)
    title(f"copy {copy} of the superblock, number {sequence}")
    put(copy * 4096, data, f"magic; version 1; flags {flags}" + (": clean" if flags & 1 else ""),
        "UUID", f"number {sequence}; the log begins at {offset}",
        f"in a segment of {size} bytes; its salt", "boot id",
        f"next record {end}; the file has {least} bytes" if flags & 1 else
        f"not clean; the file has {least} bytes", "reserved",
        "reserved; checksum of the 124 bytes before")


def record(at, head, kind, body):
    _, size, _, sequence, _, flags = r.RECORD.unpack(head)
    title(f"record {sequence}: {KINDS[kind]}" + (", and more follows" if flags else ""))
    if kind == r.NAME:
        values = r.NAME_HEAD.unpack_from(body)
    else:
        values = r.BODIES[kind].unpack(body)
    if kind == r.ALLOCATE:
        values = values[:6] + values[8:]
    meanings = []
    for text in SHOW[kind]:
        n = text.count("{}")
        meanings.append(text.format(*values[:n]))
        values = values[n:]
    if kind == r.NAME:
        # 24 bytes of fields: the second line has half of them, and the text
        name = body[24:24 + r.NAME_HEAD.unpack_from(body)[2]].decode()
        meanings[1] += f'; "{name}"'
    put(at, head + body, f"checksum; {size} bytes; salt",
        f"number {sequence}; kind {kind}; flags {flags}", *meanings)


def payload(entry, id_, store):
    data = store.file.read(entry.offset, entry.length * r.ELEMENT[entry.type])
    word = {r.BYTES: "bytes", r.OBJECT: "object"}.get(entry.type) or r.WORD[entry.type]
    title(f"record {id_}, {word}, length {entry.length}")
    meanings = []
    if entry.type == r.CHARACTER:
        for length, rest in struct.iter_unpack("<I12s", data):
            text, _ = store.string(entry, length, rest)
            meanings.append(f'{length} bytes: "{text.decode()}"' if length <= 12 else
                            f'{length} bytes, "{text[:4].decode()}", part {rest[4]}, '
                            f'byte {rest[8]}')
    elif entry.type in (r.LIST, r.OBJECT):
        ids = [i for i, in struct.iter_unpack("<Q", data)]
        meanings = [", ".join(map(str, ids[k:k + 2])) for k in range(0, len(ids), 2)]
    elif entry.type == r.NUMERIC:
        shown = [r.shown_double(b)[17:] for b, in struct.iter_unpack("<Q", data)]
        meanings = [", ".join(shown[k:k + 2]) for k in range(0, len(shown), 2)]
    else:
        data = data.rstrip(b"\0")
        meanings = [data[k:k + 16].decode() for k in range(0, len(data), 16)]
    put(entry.offset, data, *meanings)


def main():
    store = r.Store(sys.argv[1])
    superblock(store.file, 0)
    superblock(store.file, 1)
    offset, size, salt = store.log.head
    title("the log's first segment")
    put(offset, store.file.read(offset, 64), "magic; salt",
        f"{size} bytes; its first record is number 1", "reserved", "reserved; checksum")
    at, sequence = offset + 64, 1
    while True:
        found = store.log.record(at, offset + size, salt, sequence)
        if found is None:
            break
        kind, _, body, length, _ = found
        record(at, store.file.read(at, 32), kind, body)
        at, sequence = at + length, sequence + 1
    for id_, entry in sorted(store.entries.items(), key=lambda e: e[1].offset):
        payload(entry, id_, store)


if __name__ == "__main__":
    sys.exit(main())
