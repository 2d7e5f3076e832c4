"""Write the golden mails anew: `make golden`."""

from __future__ import annotations

import sys

from tests.golden import FOLDER, message, path_of, readable
from tests.mail_cases import pairwise


def main() -> None:
    """Write every file that differs, and remove those of no case; say which."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {path_of(case): readable(message(case)) for case in pairwise()}
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {path.name}\n")
    for path in sorted(set(FOLDER.glob("*.txt")) - set(wanted)):
        path.unlink()
        sys.stdout.write(f"removed: {path.name}\n")


if __name__ == "__main__":
    main()
