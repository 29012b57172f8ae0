"""Signatures: whether a file was signed by a person, verified offline by OpenSSH.

The keys come from ``governance/allowed_signers`` of the base, so that no change brings its own. The
signature is detached, so that a merge that rewrites commits does not lose it.
"""

from __future__ import annotations

from ai_program.git import CannotDecide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOWED = "governance/allowed_signers"
FOLDER = "evidence/approvals"
NAMESPACE = "ai-program"
LARGEST = 16 * 1024  # bytes; a signature has some hundred


def path_of(record: str, handle: str) -> str:
    """Return where the signature of a person under a record stands."""
    name = record.rpartition("/")[2].rpartition(".")[0]
    return f"{FOLDER}/{name}.{handle.lstrip('@').replace('/', '.')}.sig"


def verified(data: bytes, signature: bytes, allowed: bytes, principals: Iterable[str]) -> bool:
    """Tell whether one of the principals signed the data with a key that is allowed.

    Raises:
        CannotDecide: there is no ssh-keygen here.

    """
    import subprocess
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        keys, detached = Path(folder, "allowed_signers"), Path(folder, "signature")
        keys.write_bytes(allowed)
        detached.write_bytes(signature[:LARGEST])
        for principal in filter(str.isprintable, principals):
            try:
                done = subprocess.run(
                    ["ssh-keygen", "-Y", "verify", "-f", str(keys), "-I", principal,
                     "-n", NAMESPACE, "-s", str(detached)],
                    input=data, capture_output=True, check=False,
                )  # fmt: skip
            except FileNotFoundError:
                raise CannotDecide(
                    "approvals of tier high are signed, and there is no ssh-keygen to verify them:"
                    " install OpenSSH"
                ) from None
            if done.returncode == 0:
                return True
    return False
