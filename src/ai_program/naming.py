"""Names that follow from the name of the programme: of the directory and of the Python package."""

from __future__ import annotations

import re
import unicodedata

from ai_program.answers import WrongAnswerError, shown

# Letters that no decomposition turns into ASCII.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ł": "l",
        "þ": "th",
        "\u0131": "i",
    }
)
# A directory of this name would hide something that the repository or its pipeline needs, or can't
# exist on some file system.
_NEEDED = """
ai_program aux build con contracts cookiecutter data decisions deploy dist docs duckdb evidence
features governance ibis joblib mlflow models monitoring nox noxfile nul numpy pandas policies prn
pytest runbooks scipy sklearn sprints src store test tests yaml
""".split()  # noqa: SIM905 - words read best as words
# The interpreter's own list differs between versions, and a name that was good stays good.
_STANDARD_LIBRARY = """
abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop
base64 bdb binascii bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs
codeop collections colorsys compileall compression concurrent configparser contextlib
contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis
distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput
fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip
hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect interpreters io
ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal
math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath
nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes
pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr
pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy
sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket
socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string
stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib
tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace
traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid
venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile
zipimport zlib zoneinfo
""".split()  # noqa: SIM905 - words read best as words
_KEYWORDS = """
and as assert async await break case class continue def del elif else except false finally for
from global if import in is lambda match none nonlocal not or pass raise return true try type
while with yield
""".split()  # noqa: SIM905 - words read best as words
_TAKEN = frozenset((*_NEEDED, *_STANDARD_LIBRARY, *_KEYWORDS))


def slug_of(program_name: str) -> str:
    """Return the name of the directory; the package is the same with underscores.

    Raises:
        WrongAnswerError: the programme's name gives none, or one that is taken.

    """
    if re.search(r"[/\\]|\.\.", program_name):
        raise WrongAnswerError(
            f"{shown(program_name)} contains parts of a path",
            "a name without /, \\ and ..",
            carried=False,
        )
    plain = unicodedata.normalize("NFKD", program_name.casefold().translate(_LETTERS))
    slug = re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")
    package = slug.replace("-", "_")
    if len(slug) < 3 or not slug[0].isalpha():
        raise WrongAnswerError(
            f"{shown(program_name)} gives no name for a directory",
            "a name that begins with a Latin letter and has at least 3 letters or digits",
        )
    if package in _TAKEN:
        raise WrongAnswerError(
            f"{shown(program_name)} gives the package {package}, which is taken",
            f"a name of its own: {program_name} Programme",
        )
    return slug
