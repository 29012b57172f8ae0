"""SHA-256 as the interpreter itself has it.

``hashlib`` would load OpenSSL, and every commit would wait for it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256  # its name until Python 3.11
        except ImportError:
            from hashlib import sha256

__all__ = ["sha256"]
