"""The baseline's YAML files, compiled on first use as Python compiles its modules.

Reading the catalogue, the layout and the tiers anew would cost every commit a fifth of its time,
and they change only when the engine does. So the value of each file is kept beside it in
``__pycache__``, under the same terms as bytecode: it belongs to one size and time of its source, it
is checked, whatever is wrong with it is answered by reading the source, and nothing is written
where Python is told not to write bytecode.
"""

# ruff: noqa: PTH103, PTH105, PTH116, PTH118, PTH120, PTH123 (pathlib costs more than this saves)

from __future__ import annotations

import marshal
import os
import sys
from zlib import crc32

from ai_program import documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ai_program.documents import Value


def load(path: str) -> Value:
    """Return the value of a YAML file of the baseline.

    Raises:
        FileNotFoundError: there is no such file.
        DocumentError: it cannot be read.

    """
    stamp = _stamp(path)
    folder, name = os.path.split(path)
    kept = os.path.join(folder, "__pycache__", f"{name}.{sys.implementation.cache_tag}")
    try:
        with open(kept, "rb") as file:
            header = file.readline()
            data = file.read()
        if header == _header(stamp, data):
            return marshal.loads(data)  # noqa: S302 - as trusted as the bytecode beside it
    except (OSError, EOFError, ValueError, TypeError):
        pass
    with open(path, "rb") as file:
        value = documents.parse(file.read(), name).value
    if not sys.dont_write_bytecode:
        _keep(kept, stamp, value)
    return value


def _stamp(path: str) -> str:
    """Return what tells one state of a source, and of its reader, from the next."""
    source, reader = os.stat(path), os.stat(documents.__file__)
    return f"{source.st_mtime_ns} {source.st_size} {reader.st_mtime_ns} {reader.st_size}"


def _header(stamp: str, data: bytes) -> bytes:
    return f"{stamp} {crc32(data)}\n".encode()


def _keep(kept: str, stamp: str, value: Value) -> None:
    data = marshal.dumps(value)
    aside = f"{kept}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        with open(aside, "wb") as file:
            file.write(_header(stamp, data) + data)
        os.replace(aside, kept)
    except OSError:
        return  # it was only to be faster
