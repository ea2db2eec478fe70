"""The `proctor` command."""

import sys


def main() -> None:
    """Run it. `verify` needs nothing but `cryptography`; the rest needs the `server` extra."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["verify"]:
        from proctor.cli.verify import run

        sys.exit(run(arguments[1:]))
    try:
        from proctor.cli.commands import main as commands
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("proctor"):
            raise
        print(
            f"`proctor {' '.join(arguments[:1])}` needs more than is installed ({missing.name} is "
            "missing). Run: pip install 'proctor[server]'",
            file=sys.stderr,
        )
        sys.exit(2)
    commands()
