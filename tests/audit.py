"""Known vulnerabilities of all that is installed: `python -m tests.audit`, or `make audit`.

pip-audit says "none found" of packages that its database does not know; where that is every package, none was looked at, and that is
no good news. Exit code: 0 nothing known, 1 something is known, 2 the database could not be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]


def read(document: dict[str, Any]) -> tuple[list[str], int]:
    """(lines for a person, exit code) of pip-audit's JSON."""
    listed = document["dependencies"]
    skipped = [one["name"] for one in listed if "skip_reason" in one]
    looked = [one for one in listed if "skip_reason" not in one]
    if not looked:
        return [f"none of {len(listed)} packages is known to the database: nothing was audited"], 2
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for one in looked
        for found in one["vulns"]
    ]
    lines.append(f"{len(looked)} packages looked at, {len(lines)} known vulnerabilities")
    if skipped:
        lines.append(f"not known to the database: {', '.join(skipped)}")
    return lines, 1 if any(one["vulns"] for one in looked) else 0


def main() -> int:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    try:
        lines, code = read(json.loads(done.stdout))
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["no answer"]
        lines, code = (
            [f"the database of vulnerabilities could not be reached: nothing was audited ({last[0][:300]})"],
            2,
        )
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
