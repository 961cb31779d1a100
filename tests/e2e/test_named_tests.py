# SPDX-License-Identifier: Apache-2.0
"""What the documents say that shows a promise is there: files, tests by name, proofs

A row names a file and then tests of it: `tests/e2e/test_kill.py`: `test_fifty_kills`. A name
that is in the file no more was renamed or removed, and the promise with it.
"""
import re
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
QUOTED = re.compile(r"`([^`]+)`")
FILE = re.compile(r"tests/[\w./-]+")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
PROOF = re.compile(r"tools/prove ([a-z][a-z0-9-]*)")


def missing_of(line):
    """What a line names and is not there; how much it names."""
    missing, count, source = [], 0, None
    for text in QUOTED.findall(line):
        proof = PROOF.match(text)
        if FILE.fullmatch(text):
            path = HOME / text
            source = path.read_text() if path.is_file() else None
            missing += [] if path.exists() else [text]
        elif proof:
            source = None
            missing += [] if (HOME / "tests/prove" / proof[1]).is_file() else [text]
        elif source is not None and NAME.fullmatch(text):
            missing += [] if re.search(rf"\b{text}\b", source) else [text]
        else:
            continue
        count += 1
    return missing, count


@pytest.mark.parametrize("name, least", [("threat-model.md", 300), ("performance.md", 15)])
def test_what_a_document_names_is_there(name, least):
    missing, count = [], 0
    for number, line in enumerate((HOME / "docs" / name).read_text().splitlines(), 1):
        gone, named = missing_of(line)
        missing += [f"{name}:{number}: {text}" for text in gone]
        count += named
    assert not missing
    assert count >= least


def test_a_name_that_is_gone_is_found():
    line = ("`tests/e2e/test_kill.py`: `test_fifty_kills`, `test_no_kills`;"
            " `tools/prove nothing`; `tests/none.c`")
    assert missing_of(line)[0] == ["test_no_kills", "tools/prove nothing", "tests/none.c"]
