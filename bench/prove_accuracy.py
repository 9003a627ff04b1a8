"""How often the models are wrong, and with whom: measured anew, and written into the places that quote it.

    scripts/prove accuracy --dev=DIR --groups=DIR
    .venv/bin/python bench/prove_accuracy.py --dev DIR --groups DIR [--archives DIR]

Both are folders of faces (see docs/accuracy.md); thresholds come from the first, figures by group from the second.
Written are: threshold and operating points into models/ and device_config/policy.toml, tables and curves into
docs/accuracy.md and docs/pictures. Run it when a model file has changed. Minutes for thousands of pictures.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.models.manifest import read_manifest

DOC, POLICY, PICTURES = ROOT / "docs/accuracy.md", ROOT / "device_config/policy.toml", ROOT / "docs/pictures"
FPIR: Final = 1e-2
"""What the example policy accepts: one stranger in a hundred."""
_LEAST: Final = 50
"""People: the first size of the example policy."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--groups", type=Path, required=True)
    parser.add_argument("--archives", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as drawn:
        tables = {
            "dev": _measured(options.dev, Path(drawn), options.archives, ["--into-manifest"]),
            "groups": _measured(options.groups, Path(drawn), options.archives, []),
        }
        text = DOC.read_text("utf-8")
        for name, table in tables.items():
            text = _replaced(text, name, table)
        for picture in Path(drawn).glob("*.svg"):
            if f"pictures/{picture.name}" in text:
                (PICTURES / picture.name).write_bytes(picture.read_bytes())
    DOC.write_text(text, "utf-8")
    POLICY.write_text(_signed(POLICY.read_text("utf-8")), "utf-8")
    return 0


def _replaced(text: str, name: str, table: str) -> str:
    """The document with another table between the two marks of that name."""
    head, mark, rest = text.partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition("<!-- end -->")
    if not mark or not end:
        sys.exit(f"docs/accuracy.md: needs one block <!-- {name} --> ... <!-- end -->")
    return f"{head}{mark}\n{table}\n{end}{tail}"


def _measured(data: Path, drawn: Path, archives: Path | None, more: list[str]) -> str:
    command = [str(Path(sys.executable).with_name("doorward")), "models", "evaluate", "--data", str(data)]
    command += ["--json", str(drawn / f"{data.name}.json"), "--plots", str(drawn), "--dir", str(ROOT / "models"), *more]
    if archives is not None:
        command += ["--archives", str(archives)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _signed(policy: str) -> str:
    """The example policy with the manifest's thresholds."""
    point = next(each for each in read_manifest(ROOT / "models").operating_points if each.label == "real")
    steps = [step for step in point.steps(FPIR) if step[0] >= _LEAST]
    lines = "".join(f"    {{ people = {people}, threshold = {at:g} }},\n" for people, at in steps)
    block = f'[operating_point]\nlabel = "real"\nthreshold = {point.threshold:g}\nsearch = [\n{lines}]\n'
    return re.sub(r"\[operating_point\]\n.*?\n\]\n", lambda _: block, policy, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
