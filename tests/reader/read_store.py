#!/usr/bin/env python3
# Lists and prints what is in a store: the format, as another language reads it.
"""Lists and prints what is in an Rfmalloc store, without R.

Written from the book's appendix "The file, for readers in another language" alone
(lit/92_format.nw), to prove that it suffices. Python's standard library is enough.

    read_store.py FILE          the objects: name, class, type, size, when put, note
    read_store.py FILE NAME     the value of one: a line for each element

It never writes. A file that is no store, or is damaged, is refused: exit status 1.
"""

import argparse
import datetime
import fcntl
import itertools
import os
import stat
import struct
import sys

PAGE, GRANULE, HEAP, FILE_STEP = 4096, 64, 12288, 65536
SUPERBLOCK = struct.Struct("<8sII16sQQQQ16sQQ28sI")
SEGMENT = struct.Struct("<8sQQQ28sI")
RECORD = struct.Struct("<IIQQII")
NAME_HEAD = struct.Struct("<QqII")
FAR = struct.Struct("<4sII")
MAGIC, SEGMENT_MAGIC = b"\x89RFM\r\n\x1a\n", b"RFMSEG1\n"
CLEAN, SCRATCH, MORE = 1, 2, 1
ALLOCATE, FREE, SEAL, COMMIT, LINK, MOVE, EXTEND, NAME = range(1, 9)
BODIES = {ALLOCATE: struct.Struct("<QQQQIIIIQ"), FREE: struct.Struct("<Q"),
          SEAL: struct.Struct("<QIIII"), COMMIT: struct.Struct("<QQ"),
          LINK: struct.Struct("<QQQ"), MOVE: struct.Struct("<QQQQ"),
          EXTEND: struct.Struct("<QQ")}
(LOGICAL, INTEGER, NUMERIC, COMPLEX, RAW, CHARACTER, LIST, BYTES, OBJECT,
 SERIALIZED) = range(1, 11)
ELEMENT = {LOGICAL: 4, INTEGER: 4, NUMERIC: 8, COMPLEX: 16, RAW: 1, CHARACTER: 16,
           LIST: 8, BYTES: 1, OBJECT: 8, SERIALIZED: 1}
WORD = {LOGICAL: "logical", INTEGER: "integer", NUMERIC: "double", COMPLEX: "complex",
        RAW: "raw", CHARACTER: "character", LIST: "list", SERIALIZED: "serialized"}
STRING_NA, STRING_IS_BYTES, STRING_NEAR = 0xFFFFFFFF, 0x80000000, 12
READERS, PINS = 2**62 + 1, 2**61


class Refused(Exception):
    """The file is no store, is damaged, or has not got what was asked for."""


# -- Bytes ---------------------------------------------------------------------

def remainders():
    for r in range(256):
        for _ in range(8):
            r = r >> 1 ^ (0x82F63B78 if r & 1 else 0)
        yield r


TABLE = tuple(remainders())


def crc32c(data):
    r = 0xFFFFFFFF
    for byte in data:
        r = TABLE[(r ^ byte) & 255] ^ r >> 8
    return r ^ 0xFFFFFFFF


class File:
    """Bytes at offsets. They are read and not mapped: a read beyond the end fails, a map kills."""

    def __init__(self, path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Refused("it is not a regular file")
        self.opened = open(path, "rb", buffering=0)
        self.fd = self.opened.fileno()
        self.near = (0, b"")

    def size(self):
        return os.fstat(self.fd).st_size

    def read(self, offset, n):
        if offset < 0 or offset + n > self.size():
            raise Refused(f"it ends before byte {offset + n}")
        data = bytearray()
        while len(data) < n:
            more = os.pread(self.fd, n - len(data), offset + len(data))
            if not more:
                raise Refused(f"it was cut short at byte {offset + len(data)}")
            data += more
        return bytes(data)

    def read_near(self, offset, n):
        """The same for many small reads in a row, by way of a larger one."""
        start, data = self.near
        if not start <= offset <= offset + n <= start + len(data):
            data = self.read(offset, max(n, min(65536, self.size() - offset)))
            self.near = start, data = offset, data
        return data[offset - start:offset - start + n]

    def lock(self, byte, kind=fcntl.F_RDLCK):
        """A shared lock of the open file, and not of the process, on one byte."""
        range_ = struct.pack("hhqqi0q", kind, os.SEEK_SET, byte, 1, 0)
        fcntl.fcntl(self.fd, getattr(fcntl, "F_OFD_SETLK", 37), range_)


def extent_fits(offset, size, file_bytes):
    unit = GRANULE if size < PAGE else PAGE
    rounded = (max(size, 1) + unit - 1) // unit * unit
    return offset >= HEAP and offset % unit == 0 and offset + rounded <= file_bytes


def boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
            return bytes.fromhex(f.read().strip().replace("-", ""))
    except (OSError, ValueError):
        return None


# -- The log ---------------------------------------------------------------------

class Log:
    """Which records are believed, after the end that the last session had."""

    def __init__(self, file):
        self.file = file
        self.file_bytes = file.size()
        if self.file_bytes < HEAP:
            raise Refused("it is too small to be a store")
        copies = [file.read(i * PAGE, SUPERBLOCK.size) for i in (0, 1)]
        self.file_bytes = file.size()
        self.choose(copies)
        self.lossless = self.clean or self.boot == boot_id()
        self.epoch = 0

    def choose(self, copies):
        best, magics, version = None, 0, 1
        for copy in copies:
            (magic, v, flags, uuid, sequence, offset, size, salt, boot, end, least,
             reserved, checksum) = SUPERBLOCK.unpack(copy)
            if magic != MAGIC:
                continue
            magics += 1
            version = v if v != 1 else version
            if (v == 1 and checksum == crc32c(copy[:-4]) and sequence > 0 and
                    not flags & ~(CLEAN | SCRATCH) and not any(reserved) and
                    (best is None or sequence > best[0])):
                best = (sequence, flags, offset, size, salt, boot, end, least)
        if not magics:
            raise Refused("it does not begin like a store")
        if best is None and version != 1:
            raise Refused(f"it has format {version}, and this program knows format 1")
        if best is None:
            raise Refused("neither of its two superblocks is whole")
        _, flags, offset, size, salt, self.boot, self.end, least = best
        if flags & SCRATCH:
            raise Refused("it is a scratch store, which keeps no log")
        if least > self.file_bytes or self.file_bytes % FILE_STEP:
            raise Refused("it has been cut short")
        self.clean = bool(flags & CLEAN)
        self.head = (offset, size, salt)

    def enter(self, offset, size, salt, sequence):
        """The first sequence number of a segment, or None if there is no such segment."""
        if not 512 <= size <= 2**36 or not extent_fits(offset, size, self.file_bytes):
            return None
        head = self.file.read_near(offset, SEGMENT.size)
        magic, its_salt, its_size, first, _, checksum = SEGMENT.unpack(head)
        good = (magic == SEGMENT_MAGIC and checksum == crc32c(head[:-4]) and
                its_salt == salt and its_size == size and sequence in (None, first))
        return first if good else None

    def record(self, at, end, salt, sequence):
        """Kind, flags, body and size of the record at a byte, or None if it is not whole."""
        if at + RECORD.size > end:
            return None
        head = self.file.read_near(at, RECORD.size)
        checksum, size, its_salt, its_sequence, kind, flags = RECORD.unpack(head)
        if (its_salt != salt or sequence not in (None, its_sequence) or flags & ~MORE or
                not RECORD.size < size <= min(end - at, 4096)):
            return None
        body = self.file.read_near(at + RECORD.size, size - RECORD.size)
        if kind == NAME and len(body) >= NAME_HEAD.size:
            _, _, name, note = NAME_HEAD.unpack_from(body)
            due = NAME_HEAD.size + (name + note + 7) // 8 * 8
            due = due if 1 <= name <= 1024 and note <= 2048 else 0
        else:
            due = BODIES[kind].size if kind in BODIES else 0
        if due != len(body) or checksum != crc32c(head[4:] + body):
            return None
        return kind, flags, body, size, its_sequence

    def records(self):
        """Kind, body and place of all records that count, in order."""
        offset, size, salt = self.head
        sequence = self.enter(offset, size, salt, None)
        if sequence is None:
            raise Refused(f"no log begins at byte {offset}")
        at, end = offset + SEGMENT.size, offset + size
        believed, group, committed = [], [], 0
        while True:
            found = self.record(at, end, salt, sequence)
            if found is None:
                self.look_behind(at, end, salt, sequence)
                break
            kind, flags, body, size, _ = found
            if kind in (LINK, COMMIT) and (group or flags):
                raise Refused(f"the record at byte {at} cannot be in a group")
            if kind == LINK:
                offset, size, salt_ = BODIES[LINK].unpack(body)
                if self.enter(offset, size, salt_, sequence + 1) is None:
                    break
                at, end, salt = offset + SEGMENT.size, offset + size, salt_
                sequence += 1
                continue
            group.append((kind, body, at))
            at, sequence = at + size, sequence + 1
            if not flags:
                believed += group
                group = []
            if kind == COMMIT:
                committed = len(believed)
                self.epoch = BODIES[COMMIT].unpack(body)[0]
        if self.clean and sequence - len(group) != self.end:
            raise Refused(f"the log ends before record {sequence - len(group)}, but was "
                          f"closed before record {self.end}")
        return believed if self.lossless else believed[:committed]

    def look_behind(self, at, end, salt, sequence):
        """Behind the last whole record of a segment no later one may stand, or no COMMIT."""
        wanted, step = struct.pack("<Q", salt), 1 << 20
        for start in range(at, end, step):
            data = self.file.read(start, min(step + 7, end - start))
            found = data.find(wanted)
            while found >= 0:
                place = start + found - 8
                r = (self.record(place, end, salt, None)
                     if place >= at and (place - at) % 8 == 0 else None)
                if r and r[4] >= sequence and (self.lossless or r[0] == COMMIT):
                    raise Refused(f"record {sequence} of the log, at byte {at}, is broken "
                                  "although whole records follow it")
                found = data.find(wanted, found + 1)


# -- The catalog -----------------------------------------------------------------

class Entry:
    """What the catalog knows of a record that is alive."""

    def __init__(self, offset, size, length, type_, sealed, owner):
        self.offset, self.size, self.length, self.type = offset, size, length, type_
        self.sealed, self.owner = sealed, owner
        self.parts, self.names, self.sum = [], 0, None

    def note_sum(self, kind, checksum):
        self.sum = (self.length * ELEMENT[self.type], checksum) if kind == 1 else None


class Catalog:
    """What is there, after all records that are believed. Each is checked: it is input."""

    def __init__(self, file, log):
        self.file, self.log = file, log
        self.entries, self.names, self.next_id = {}, {}, 1
        apply = {ALLOCATE: self.allocate, FREE: self.free, SEAL: self.seal, MOVE: self.move,
                 EXTEND: self.extend, COMMIT: self.commit}
        for kind, body, at in log.records():
            self.at = at
            if kind == NAME:
                self.name(body)
            else:
                apply[kind](*BODIES[kind].unpack(body))

    def need(self, holds, what):
        if not holds:
            raise Refused(f"the record at byte {self.at} {what}")

    def living(self, id_, what):
        e = self.entries.get(id_)
        self.need(e is not None, what)
        return e

    def need_place(self, type_, offset, size, length):
        each = ELEMENT.get(type_, 0)
        exact = type_ in (LIST, OBJECT, BYTES)
        self.need(each and (length * each == size or not exact and length * each < size),
                  "describes an impossible vector")
        self.need(extent_fits(offset, size, self.log.file_bytes), "names an extent outside")

    def allocate(self, id_, offset, size, length, type_, flags, sum_kind, checksum, owner):
        self.need(self.next_id <= id_ < 2**64 - 1, "reuses an id")
        self.need(not flags & ~3, "has unknown flags")
        self.need_place(type_, offset, size, length)
        e = Entry(offset, size, length, type_, bool(flags & 1), owner)
        e.note_sum(sum_kind, checksum)
        if owner:
            whole = self.living(owner, "describes a part without its owner")
            self.need(type_ == BYTES and whole.type == CHARACTER and not whole.owner and
                      whole.sealed == e.sealed, "describes a part of another kind")
            whole.parts.append(id_)
        self.entries[id_] = e
        self.next_id = id_ + 1

    def free(self, id_):
        e = self.living(id_, "frees what does not exist")
        self.need(not e.owner and not e.names, "frees what is in use")
        for i in e.parts + [id_]:
            del self.entries[i]

    def seal(self, id_, flags, reserved, sum_kind, checksum):
        e = self.living(id_, "seals what does not exist")
        self.need(not e.owner and not flags & ~1 and not reserved, "seals what cannot be")
        for i in e.parts + [id_]:
            self.entries[i].sealed = True
        e.note_sum(sum_kind, checksum)

    def move(self, id_, offset, size, length):
        e = self.living(id_, "moves what does not exist")
        self.need_place(e.type, offset, size, length)
        self.need(not (e.sealed or e.owner) or (size, length) == (e.size, e.length),
                  "changes the size of what is sealed")
        e.offset, e.size, e.length = offset, size, length

    def extend(self, id_, length):
        e = self.living(id_, "extends what does not exist")
        self.need(not e.owner and length > e.length, "does not make anything longer")
        self.need_place(e.type, e.offset, e.size, length)
        e.length = length

    def commit(self, _epoch, next_id):
        self.need(next_id >= self.next_id, "takes back ids that were given out")
        self.next_id = next_id

    def name(self, body):
        id_, time, name_bytes, note_bytes = NAME_HEAD.unpack_from(body)
        text = body[NAME_HEAD.size:]
        name, note = text[:name_bytes], text[name_bytes:name_bytes + note_bytes]
        self.need(b"\0" not in name + note and not any(text[name_bytes + note_bytes:]),
                  "gives a name that is no text")
        try:
            name, note = name.decode("utf-8"), note.decode("utf-8")
        except UnicodeDecodeError:
            self.need(False, "gives a name that is no text")
        old = self.names.pop(name, None)
        if old:
            self.entries[old[0]].names -= 1
        if id_:
            e = self.living(id_, "names what does not exist")
            self.need(e.sealed and not e.owner, "names what cannot have a name")
            e.names += 1
            self.names[name] = (id_, time, note)


# -- Values ----------------------------------------------------------------------

def escaped(data, code="utf-8"):
    """A text as one printable line: escapes for control characters, and for what is no text."""
    text = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode(code, "backslashreplace")
    return "".join(f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c for c in text)


def shown_string(data, flagged):
    if data is None:
        return "NA"
    return f'b"{escaped(data, "ascii")}"' if flagged else f'"{escaped(data)}"'


def shown_integer(value):
    return "NA" if value == -2**31 else str(value)


def shown_logical(value):
    return "NA" if value == -2**31 else "TRUE" if value else "FALSE"


def shown_double(bits):
    value, = struct.unpack("<d", struct.pack("<Q", bits))
    if value != value:
        return f"{bits:016x} {'NA' if bits & 0xFFFFFFFF == 1954 else 'NaN'}"
    return f"{bits:016x} {value:.15g}".replace("inf", "Inf")


def shown_complex(real, imaginary):
    return shown_double(real) + "  " + shown_double(imaginary)


SHOWN = {LOGICAL: ("<i", shown_logical), INTEGER: ("<i", shown_integer),
         NUMERIC: ("<Q", shown_double), COMPLEX: ("<QQ", shown_complex),
         RAW: ("<B", "{:02x}".format)}


class Store(Catalog):
    """The objects, and what is in them."""

    def __init__(self, path):
        file = File(path)
        file.lock(READERS)
        file.lock(PINS)
        said = None
        while True:     # a writer may be at work: only what is found twice is damage
            try:
                log = Log(file)
                super().__init__(file, log)
                break
            except Refused as why:
                if str(why) == said:
                    raise
                said, file.near = str(why), (0, b"")
        if log.epoch:
            file.lock(PINS + log.epoch % 2**60)
            file.lock(PINS, fcntl.F_UNLCK)
        self.open = set()               # records that are being printed

    def find(self, id_, what):
        e = self.entries.get(id_)
        if e is None or e.owner:
            raise Refused(f"{what} leads to record {id_}, which is not there")
        if e.sum and crc32c(self.file.read(e.offset, e.sum[0])) != e.sum[1]:
            raise Refused(f"the elements of record {id_} have not their checksum")
        return e

    def elements(self, e, layout, start=0, count=None):
        """Elements of a record, each as a tuple; some thousands are read at a time."""
        layout = struct.Struct(layout)
        end = e.length if count is None else start + count
        for i in range(start, end, 4096):
            n = min(4096, end - i)
            data = self.file.read(e.offset + i * layout.size, n * layout.size)
            yield from layout.iter_unpack(data)

    def string(self, e, length, rest):
        """The bytes of a string, None for NA, and whether it is flagged as no text."""
        if length == STRING_NA:
            return None, False
        flagged, length = bool(length & STRING_IS_BYTES), length & ~STRING_IS_BYTES
        data = rest[:length]
        if length > STRING_NEAR:
            prefix, part, offset = FAR.unpack(rest)
            heap = self.entries[e.parts[part]] if part < len(e.parts) else None
            if heap is None or offset + length > heap.size:
                raise Refused("a string leads nowhere")
            data = self.file.read(heap.offset + offset, length)
            if data[:4] != prefix:
                raise Refused("a string leads to another one")
        if b"\0" in data:
            raise Refused("a string has a zero byte")
        return data, flagged

    def strings(self, e, start=0, count=None):
        return (self.string(e, *cell) for cell in self.elements(e, "<I12s", start, count))

    def taken_apart(self, id_):
        """The record of an object's elements, its window, and its attributes as {name: id}."""
        e = self.find(id_, "a name or a cell")
        if e.type != OBJECT:
            return id_, (0, e.length), {}
        if e.length < 2:
            raise Refused(f"object {id_} is too short")
        vector, names, *values = (cell for cell, in self.elements(e, "<Q"))
        names = self.find(names, f"object {id_}")
        if names.type != CHARACTER or names.length != len(values):
            raise Refused(f"object {id_} has not as many attributes as names of them")
        attributes = dict(zip((name for name, _ in self.strings(names)), values))
        if None in attributes or (attributes and not vector):
            raise Refused(f"object {id_} has an attribute that it cannot have")
        if not vector:
            return 0, (0, 0), {}
        inner = self.find(vector, f"object {id_}")
        window = (0, inner.length)
        if b"" in attributes:
            window = self.window(id_, inner, attributes.pop(b""))
        if inner.type not in WORD or inner.type == SERIALIZED:
            raise Refused(f"object {id_} has no vector")
        return vector, window, attributes

    def window(self, id_, inner, value):
        two = self.find(value, f"object {id_}")
        if two.type == NUMERIC and two.length == 2 and inner.type != LIST:
            (start,), (count,) = self.elements(two, "<d")
            if (start >= 0 and count >= 0 and start + count <= inner.length and
                    start.is_integer() and count.is_integer()):
                return int(start), int(count)
        raise Refused(f"object {id_} has no sensible window")

    def lines(self, id_, depth=0):
        """Yields (depth, line), and (depth, id) for an object within this one."""
        if not id_:
            yield depth, "NULL"
            return
        vector, (start, count), attributes = self.taken_apart(id_)
        if not vector:
            yield depth, "NULL"
            return
        e, here = self.entries[vector], {id_, vector}
        if e.type not in WORD:
            raise Refused(f"record {vector} is no value")
        if here & self.open:
            raise Refused(f"record {id_} contains itself")
        self.open |= here
        yield depth, f"{WORD[e.type]} {count}"
        if e.type == LIST:
            yield from ((depth + 1, cell) for cell, in self.elements(e, "<Q"))
        elif e.type == CHARACTER:
            for string in self.strings(e, start, count):
                yield depth + 1, shown_string(*string)
        elif e.type == SERIALIZED:
            for i in range(0, count, 32):
                yield depth + 1, self.file.read(e.offset + i, min(32, count - i)).hex()
        else:
            layout, shown = SHOWN[e.type]
            for element in self.elements(e, layout, start, count):
                yield depth + 1, shown(*element)
        for name, value in sorted(attributes.items()):
            yield depth + 1, "@" + escaped(name)
            yield depth + 2, value
        self.open -= here

    def print_value(self, name, write):
        if name not in self.names:
            raise Refused(f'no object has the name "{name}"')
        stack = [self.lines(self.names[name][0])]       # lists may be nested without end
        while stack:
            depth, item = next(stack[-1], (0, None))
            if item is None:
                stack.pop()
            elif isinstance(item, str):
                write("  " * depth + item)
            else:
                stack.append(self.lines(item, depth))

    def described(self, id_):
        """Class, type and size, as R has them; of serialized values only the type is known."""
        vector, (_, count), attributes = self.taken_apart(id_)
        if not vector:
            return "NULL", "NULL", "0"
        type_ = self.entries[vector].type
        if type_ not in WORD:
            raise Refused(f"record {vector} is no value")
        if type_ == SERIALIZED:
            return "?", "serialized", "?"
        dim = [n for n, in self.values(attributes, b"dim", INTEGER, "<i")]
        classes = [escaped(c or b"NA") for c, _ in self.values(attributes, b"class", CHARACTER)]
        if "data.frame" in classes:
            dim = [self.count_rows(attributes), count]
        implicit = {0: ["numeric" if type_ == NUMERIC else WORD[type_]], 2: ["matrix", "array"]}
        return ("/".join(classes or implicit.get(len(dim), ["array"])), WORD[type_],
                " x ".join(map(str, dim or [count])))

    def values(self, attributes, name, type_, layout=None):
        if name not in attributes:
            return ()
        vector, (start, count), _ = self.taken_apart(attributes[name])
        e = self.entries.get(vector)
        if e is None or e.type != type_:
            return ()
        return self.elements(e, layout, start, count) if layout else self.strings(e, start, count)

    def count_rows(self, attributes):
        if b"row.names" not in attributes:
            return 0
        numbers = self.values(attributes, b"row.names", INTEGER, "<i")
        two = [n for n, in itertools.islice(numbers, 2)]
        if len(two) == 2 and two[0] == -2**31:
            return abs(two[1])
        return self.taken_apart(attributes[b"row.names"])[1][1]

    def print_names(self, write):
        for name, (id_, time, note) in sorted(self.names.items(), key=lambda n: n[0].encode()):
            try:
                moment = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
                when = moment.strftime("%Y-%m-%d %H:%M:%S")
            except (ValueError, OverflowError, OSError):
                when = str(time)
            write("\t".join([shown_string(name.encode(), False), *self.described(id_), when,
                             shown_string(note.encode(), False)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("name", metavar="NAME", nargs="?")
    args = parser.parse_args()
    out = sys.stdout.buffer
    try:
        store = Store(args.file)
        if args.name is None:
            store.print_names(lambda line: out.write(line.encode() + b"\n"))
        else:
            store.print_value(args.name, lambda line: out.write(line.encode() + b"\n"))
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (Refused, OSError, MemoryError) as why:
        out.flush()
        why = getattr(why, "strerror", None) or str(why) or "there is not enough memory"
        print(f"read_store: {args.file}: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
