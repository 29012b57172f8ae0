"""Where the baseline's data lives: beside the package in a wheel, at the top in a checkout.

``importlib.resources`` is not used: it costs more than the rest of a clean run and does not find
the data of an editable install.
"""

import os


class BrokenInstallationError(Exception):
    """The engine's own policy data is missing, so nothing can be decided."""


def root() -> str:
    """Return the directory of the policy data.

    Raises:
        BrokenInstallationError: neither the wheel's nor the checkout's place has it.

    """
    package = os.path.dirname(os.path.abspath(__file__))
    for place in ("policies", os.path.join("..", "..", "policies")):
        candidate = os.path.normpath(os.path.join(package, place))
        if os.path.isfile(os.path.join(candidate, "layout.yaml")):
            return candidate
    raise BrokenInstallationError(
        f"the policies of ai-program are missing beside {package}: install it again"
    )
