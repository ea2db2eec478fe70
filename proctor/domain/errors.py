"""What the rules can say no to.

Refusal                     the base: `code` is public, permanent and never reused
└── one class for each reason, in the module whose rule it is

The edge (`web/problems.py`) translates a refusal into HTTP; its facts are its fields.
"""

from typing import ClassVar


class Refusal(Exception):
    """The rules said no. Nothing was changed.

    Every public attribute is a fact that the client may read.
    """

    code: ClassVar[str]

    def facts(self) -> dict[str, object]:
        """Return the refusal's public attributes, by name."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}
