"""What a file in git really is, whatever its name says, and whom it gives away.

Whoever wants customers or a model into the repository renames the file, packs it, or packs it
twice. So the content decides: formats are recognised by their first bytes, tables by their shape,
and what cannot be read is said to be unreadable instead of being passed. Packed files are unpacked
up to a limit, and no further.

Pure functions over bytes. Nearly every commit brings a file to look at, so this module is on the
hook's path.
"""

from __future__ import annotations

import itertools
import re
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_UNPACKED = 32 * 1024 * 1024  # a sample of 60,000 rows has a few megabytes
MAX_MEMBERS = 1000
MAX_JSON = 8 * 1024 * 1024  # parsed, it takes many times as much
MAX_HITS = 10  # of one file; the rest of a list of customers says nothing new
MIN_RECORDS = 50  # fewer lines or records of the same shape also occur in code and prose
SAME_SHAPE = 0.8
SHAPE_BYTES = 1024 * 1024

DATA_SUFFIXES = frozenset((
    ".csv", ".tsv", ".psv", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow", ".orc", ".avro",
    ".xls", ".xlsx", ".ods", ".sqlite", ".sqlite3", ".db", ".duckdb", ".dta", ".sav", ".rds",
    ".rdata", ".mat", ".sas7bdat", ".mdb", ".accdb", ".dbf",
))  # fmt: skip
MODEL_SUFFIXES = frozenset((
    ".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".skops", ".onnx", ".pt", ".pth",
    ".ckpt", ".safetensors", ".h5", ".hdf5", ".keras", ".pb", ".tflite", ".gguf", ".ggml",
    ".cbm", ".ubj", ".npy", ".npz", ".mlmodel", ".pmml", ".bst", ".caffemodel", ".torchscript",
))  # fmt: skip
PACKED_SUFFIXES = frozenset((".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".br", ".z"))

_MODEL_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF model"),
    (b"CBM1", "a CatBoost model"),
    (b"{L\x00", "an XGBoost model"),
    (b"tree\nversion=", "a LightGBM model"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ZIPPED_MODEL = re.compile(
    rb"PK\x03\x04.{26}[^\x00]{0,200}?(?:data\.pkl|\.npy|schema\.json|\.weights\.h5)", re.DOTALL
)
_TABLE_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file"),
)
_ARCHIVE_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"\x1f\x9d", "a compress file"),
)
_HARMLESS_MAGIC = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"\x00\x00\x01\x00",
    b"%PDF-", b"wOFF", b"wOF2",
)  # fmt: skip
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:[0-9a-f]{64}\n")


class Hit:
    """A value that belongs to a person: what it is, and the span where it stands (0: unknown)."""

    __slots__ = ("column", "end_column", "line", "what")

    def __init__(self, what: str, line: int = 0, column: int = 0, end_column: int = 0) -> None:
        self.what = what
        self.line = line
        self.column = column
        self.end_column = end_column


class Content:
    """What a file is.

    ``kind`` is ``table``, ``notebook``, ``model``, ``text``, ``harmless`` (a picture, a pointer) or
    ``unreadable``; ``what`` says it in words, ``rows`` counts a table's, ``unpacked`` tells that
    the lines of the hits are not those of the file itself.
    """

    __slots__ = ("hits", "kind", "rows", "unpacked", "what")

    def __init__(
        self, kind: str, what: str = "", rows: int = 0, hits: tuple[Hit, ...] = ()
    ) -> None:
        self.kind = kind
        self.what = what
        self.rows = rows
        self.hits = hits
        self.unpacked = False

    def __repr__(self) -> str:
        return f"Content({self.kind}: {self.what}, {self.rows} rows, {len(self.hits)} hits)"


def suffixes(path: str) -> tuple[str, bool]:
    """Return the suffix that says what the file holds, in lower case, and whether it is packed."""
    name = path.rpartition("/")[2].lower()
    stem, dot, last = name.rpartition(".")
    packed = False
    while dot and dot + last in PACKED_SUFFIXES:
        packed = True
        name = stem
        stem, dot, last = name.rpartition(".")
    return (dot + last if dot else "", packed)


def named_as_data(path: str) -> bool:
    """Tell whether the name alone says that the file holds data."""
    return suffixes(path)[0] in DATA_SUFFIXES


def look(data: bytes, path: str) -> Content:
    """Find out what a file is, and which values in it belong to a person."""
    suffix, packed = suffixes(path)
    if _POINTER.match(data) and len(data) < 1024:
        return Content("harmless", "a pointer")
    try:
        inner = unpack(data)
    except UnpackError as error:
        return Content("unreadable", str(error))
    content = _look(data if inner is None else inner, suffix)
    content.unpacked = inner is not None
    if inner is None and packed and content.kind == "text":
        return Content("unreadable", "is named as packed and is not")
    return content


def _look(data: bytes, suffix: str) -> Content:
    binary = _binary(data, suffix)
    if binary is not None:
        return binary
    if suffix in MODEL_SUFFIXES:
        return Content("model", f"is a model file ({suffix})")
    if suffix in {".ipynb", ".json"} and len(data) > MAX_JSON:
        return Content("unreadable", f"has more than {MAX_JSON // 2**20} MiB of JSON")
    if suffix == ".ipynb":
        return Content("notebook", hits=tuple(_notebook_hits(data)))
    if suffix in {".jsonl", ".ndjson"} or _json_lines(data):
        return _table(data, "JSON lines", header=False)
    if data.lstrip()[:1] in {b"[", b"{"}:
        rows = _records(data)
        if rows or suffix == ".json":
            hits = tuple(_cell_hits(data)) if rows else ()
            return Content("table" if rows else "text", "JSON records", rows, hits)
    if suffix in DATA_SUFFIXES:
        return _table(data, suffix[1:].upper(), header=True)
    shape = _shape(data)
    return _table(data, f"rows separated by {shape}", header=True) if shape else Content("text")


_BLANK = re.compile(rb"[\r\n]\s+")


def _table(data: bytes, what: str, *, header: bool) -> Content:
    # Lines end with \n, with \r\n or, in old files, with \r; empty ones are no rows.
    lines = _BLANK.sub(b"\n", data.strip()).replace(b"\r", b"\n")
    rows = lines.count(b"\n") + bool(lines) - header
    return Content("table", what, max(rows, 0), tuple(_cell_hits(data)))


# --- formats -----------------------------------------------------------------------------------


def _binary(data: bytes, suffix: str) -> Content | None:
    """Name a binary; None for text."""
    for magic, what in _MODEL_MAGIC:
        if data.startswith(magic):
            return Content("model", f"is {what}")
    if _PICKLE.match(data):
        return Content("model", "is a pickle, which runs code when it is loaded")
    if _ZIPPED_MODEL.match(data):
        return Content("model", "is a packed model")
    if data[4:8] == b"TFL3":
        return Content("model", "is a TensorFlow Lite model")
    if data[8:10] == b'{"' and int.from_bytes(data[:8], "little") < len(data):
        return Content("model", "is a safetensors model")
    for magic, what in _TABLE_MAGIC:
        if data.startswith(magic) and (magic != b"ORC" or b"\0" in data):
            return Content("unreadable", f"is {what}, which this check cannot read")
    if suffix in {".xlsx", ".ods"} and data.startswith(b"PK"):
        return Content("unreadable", "is a spreadsheet, which this check cannot read")
    for magic, what in _ARCHIVE_MAGIC:
        if data.startswith(magic):
            return Content("unreadable", f"is {what}, which this check cannot read")
    if data[257:262] == b"ustar":
        return Content("unreadable", "is a tar archive, which this check cannot read")
    if b"\0" not in data:
        return None
    if suffix in MODEL_SUFFIXES:
        return Content("model", f"is a model file ({suffix})")
    if data.startswith(_HARMLESS_MAGIC):
        return Content("harmless", "a picture, a font or a document")
    return Content("unreadable", "is a binary file of a kind that this check cannot read")


class UnpackError(Exception):
    """A packed file cannot be read within the limits."""


def unpack(data: bytes) -> bytes | None:
    """Unpack what gzip, bzip2 or xz packed; None if the bytes are none of these.

    Raises:
        UnpackError: it is damaged, becomes too large, or holds another packed file.

    """
    opener = _opener(data)
    if opener is None:
        return None
    what, start = opener
    pieces: list[bytes] = []
    size = members = 0
    left = data
    try:
        while left.strip(b"\0"):
            if left is not data and _opener(left) != opener:
                raise UnpackError(f"holds something else behind its {what} data")
            members += 1
            if members > MAX_MEMBERS:
                raise UnpackError(f"holds more than {MAX_MEMBERS:,} packed parts")
            piece, left = start(left, MAX_UNPACKED + 1 - size)
            pieces.append(piece)
            size += len(piece)
            if size > MAX_UNPACKED:
                raise UnpackError(
                    f"holds more than {MAX_UNPACKED // 2**20} MiB when it is unpacked"
                )
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise UnpackError(f"is damaged {what} data ({error})") from None
    inner = b"".join(pieces)
    if _opener(inner) is not None:
        raise UnpackError("is packed more than once")
    return inner


def _opener(data: bytes) -> tuple[str, Callable[[bytes, int], tuple[bytes, bytes]]] | None:
    """Recognise a format; its function unpacks one part to a limit and returns the rest too."""
    if data.startswith(b"\x1f\x8b"):
        return "gzip", _gzip
    if data.startswith(b"BZh") and data[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        return "bzip2", _bzip2
    if data.startswith(b"\xfd7zXZ\x00"):
        return "xz", _xz
    return None


def _gzip(data: bytes, limit: int) -> tuple[bytes, bytes]:
    machine = zlib.decompressobj(wbits=31)
    piece = machine.decompress(data, limit)
    if not machine.eof and not machine.unconsumed_tail:
        raise EOFError("it ends too early")
    return piece, machine.unused_data


def _bzip2(data: bytes, limit: int) -> tuple[bytes, bytes]:
    import bz2

    machine = bz2.BZ2Decompressor()
    piece = machine.decompress(data, limit)
    if not machine.eof and machine.needs_input:
        raise EOFError("it ends too early")
    return piece, machine.unused_data


def _xz(data: bytes, limit: int) -> tuple[bytes, bytes]:
    import lzma

    machine = lzma.LZMADecompressor(memlimit=256 * 2**20)
    try:
        piece = machine.decompress(data, limit)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from None
    if not machine.eof and machine.needs_input:
        raise EOFError("it ends too early")
    return piece, machine.unused_data


# --- shapes ------------------------------------------------------------------------------------


def _json_lines(data: bytes) -> bool:
    lines = data[:65536].split(b"\n")[:3]
    if len(lines) < 3 or not all(line.strip().startswith((b"{", b"[")) for line in lines[:2]):
        return False
    import json

    try:
        return all(isinstance(json.loads(line), (dict, list)) for line in lines[:2])
    except (ValueError, RecursionError):
        return False


def _records(data: bytes) -> int:
    """Return the number of records of a JSON text that is a table of any orientation, else 0."""
    import json

    try:
        value = json.loads(data) if len(data) <= MAX_JSON else None
    except (ValueError, RecursionError):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else []
    rows = max(_rows(value), *map(_rows, inner), 0)
    if inner and all(isinstance(column, (dict, list)) for column in inner):
        sizes = {len(column) for column in inner}
        rows = max(rows, *sizes) if len(sizes) == 1 else rows
    return rows if rows >= MIN_RECORDS else 0


def _rows(value: object) -> int:
    """Count records: a list of lists or mappings, or a mapping of mappings with the same keys."""
    if isinstance(value, list):
        return len(value) if all(isinstance(row, (dict, list)) for row in value) else 0
    if isinstance(value, dict) and all(isinstance(row, dict) for row in value.values()):
        kinds = {tuple(sorted(row)) for row in value.values()}
        return len(value) if len(kinds) == 1 else 0
    return 0


def _shape(data: bytes) -> str:
    """Say what separates the columns of a text that looks like a table; "" if it does not."""
    lines = [line for line in data[:SHAPE_BYTES].splitlines() if line.strip()]
    if len(lines) < MIN_RECORDS:
        return ""
    for mark, name in ((b",", "commas"), (b";", "semicolons"), (b"\t", "tabs"), (b"|", "bars")):
        counts: dict[int, int] = {}
        for line in lines:
            number = line.strip().count(mark)
            counts[number] = counts.get(number, 0) + 1
        most = max(counts, key=lambda number: counts[number])
        if most and counts[most] >= SAME_SHAPE * len(lines):
            return name
    return ""


# --- people ------------------------------------------------------------------------------------

EMAIL = "an e-mail address"
IBAN = "an account number (IBAN)"
CARD = "a card number"

_EDGES = frozenset(b'\n\r,;\t|"')
_RESERVED = (
    ".example",
    ".invalid",
    ".test",
    ".localhost",
    "example.com",
    "example.org",
    "example.net",
)
_DOMAIN = re.compile(rb"@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}", re.ASCII)
_EMAIL = re.compile(
    rb"[\w.!#$%&'*+/=?^`{}~-]{1,64}@((?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24})", re.ASCII
)
_IBAN = re.compile(rb"(?<![\w.-])[A-Za-z]{2}\d\d(?: ?[A-Za-z0-9]){11,30}(?![\w.-])")
_CARD = re.compile(rb"(?<![\w.-])\d(?:[ -]?\d){12,18}(?:\.0)?(?![\w.-])")
# ISO 13616: each country has one length.
_IBAN_LENGTHS = dict(
    re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 "
        "DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 "
        "IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 "
        "MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 "
        "SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 ",
    )
)


def is_email(text: bytes) -> bool:
    """Tell an address that can belong to somebody (those reserved for examples cannot)."""
    match = _EMAIL.fullmatch(text)
    return match is not None and not match[1].decode().lower().endswith(_RESERVED)


def is_iban(text: bytes) -> bool:
    """Tell an account number: known country, its length, and the check digits."""
    number = text.replace(b" ", b"").upper().decode("ascii", "replace")
    if _IBAN_LENGTHS.get(number[:2]) != str(len(number)) or not number.isalnum():
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def is_card(text: bytes) -> bool:
    """Tell a payment card's number: an issuer's prefix and length, and Luhn's check digit."""
    digits = text.removesuffix(b".0").replace(b" ", b"").replace(b"-", b"").decode()
    if not digits.isdigit() or not _issued(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _issued(digits: str) -> bool:
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    return (
        (digits[0] == "4" and size in {16, 19})  # Visa
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))  # Mastercard
        or (size == 15 and two in {34, 37})  # American Express
        or (size == 14 and (300 <= three <= 305 or two in {36, 38, 39}))  # Diners Club
        or (size >= 16 and (four == 6011 or 644 <= three <= 649 or two in {62, 65}))  # Discover
        or (size >= 16 and 3528 <= four <= 3589)  # JCB
    )


def _cell_hits(data: bytes) -> Iterator[Hit]:
    """Yield the cells that are nothing but an address, an account or a card number."""
    for start, end, what in sorted(_cells(data))[:MAX_HITS]:
        yield _hit(data, start, end, what)


def _hit(data: bytes, start: int, end: int, what: str) -> Hit:
    first = data.rfind(b"\n", 0, start) + 1
    column = len(data[first:start].decode(errors="replace")) + 1
    width = len(data[start:end].decode(errors="replace"))
    return Hit(what, data.count(b"\n", 0, start) + 1, column, column + width)


# What is left of a table when everything that cannot be part of a number becomes a comma.
_DIGITS = bytes(ord("0") if chr(c).isascii() and chr(c).isdigit() else ord(",") for c in range(256))
_LETTERS = bytes(c for c in range(256) if chr(c).isascii() and chr(c).isalpha())
_NO_LETTERS = bytes(c for c in range(256) if c not in _LETTERS)


def _cells(data: bytes) -> Iterator[tuple[int, int, str]]:
    # Nearly all tables are numbers and short codes: three passes in C tell that nothing can be
    # found, which takes a hundredth of the time that the expressions take.
    if b"@" in data:
        yield from itertools.islice(_email_cells(data), MAX_HITS)
    if data[data.find(b"\n") :].translate(None, _NO_LETTERS):
        yield from itertools.islice(_numbers(data, _IBAN, is_iban, IBAN), MAX_HITS)
    if b"0" * 13 in data.translate(_DIGITS, b" -"):
        yield from itertools.islice(_numbers(data, _CARD, is_card, CARD), MAX_HITS)


def _numbers(
    data: bytes, pattern: re.Pattern[bytes], test: Callable[[bytes], bool], what: str
) -> Iterator[tuple[int, int, str]]:
    for match in pattern.finditer(data):
        if test(match.group()) and _whole(data, match.start(), match.end()):
            yield match.start(), match.end(), what


def _email_cells(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Go from one domain to the next, and from there to the edges of the cell."""
    done = 0
    for match in _DOMAIN.finditer(data):
        start, end = match.start(), match.end()
        if start < done:
            continue
        while start > max(done, match.start() - 128) and data[start - 1] not in _EDGES:
            start -= 1
        while end < min(len(data), match.end() + 128) and data[end] not in _EDGES:
            end += 1
        done = end
        cell = data[start:end]
        name, bracket, address = cell.rpartition(b"<")  # Ada Lovelace <ada@…>
        inside = (address if bracket and name.strip() else cell).strip(b" '<>")
        address = inside.removeprefix(b"mailto:")
        if is_email(address):
            start = data.index(address, start)
            yield start, start + len(address), EMAIL


def _whole(data: bytes, start: int, end: int) -> bool:
    """Tell whether nothing but space and quotes stands between the span and its cell's edges."""
    while start > 0 and data[start - 1] in b" '":
        start -= 1
    while end < len(data) and data[end] in b" '":
        end += 1
    left = start == 0 or data[start - 1] in _EDGES or data[start - 1] in b":["
    right = end == len(data) or data[end] in _EDGES or data[end] in b"]}"
    return left and right


# A notebook's output is a drawn table: words end at spaces, cells at tags and bars.
_WORD_EDGES = re.compile(r"[\s,;|\"'`<>()\[\]{}=]+")
_CELL_EDGES = re.compile(r"[\n\t,;|\"'`<>]+")


def _notebook_hits(data: bytes) -> Iterator[Hit]:
    """Yield the persons whom the code and the saved outputs of a notebook show."""
    import json

    try:
        notebook = json.loads(data) if len(data) <= MAX_JSON else None
    except (ValueError, RecursionError):
        return
    found: dict[bytes, str] = {}
    for text in _notebook_texts(notebook):
        for cell in (*_WORD_EDGES.split(text), *_CELL_EDGES.split(text)):
            raw = cell.strip().encode(errors="replace")
            what = _person(raw) if 6 <= len(raw) <= 128 else None
            if what is not None and len(found) < MAX_HITS:
                found[raw] = what
    for raw, what in found.items():
        start = data.find(raw)
        yield _hit(data, start, start + len(raw), what) if start >= 0 else Hit(what)


def _person(cell: bytes) -> str | None:
    if is_email(cell):
        return EMAIL
    if is_iban(cell):
        return IBAN
    return CARD if cell[:1].isdigit() and is_card(cell) else None


def _notebook_texts(notebook: object) -> Iterator[str]:
    """Yield the texts of a notebook, joined from the lines that its format splits them into."""
    stack = [notebook]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            if item and all(isinstance(line, str) for line in item):
                yield "".join(item)
            else:
                stack.extend(reversed(item))
        elif isinstance(item, dict):
            pictures = [key for key in item if key.startswith("image/")]
            stack.extend(item[key] for key in reversed(item) if key not in pictures)
