"""The verdict on every answer ever tried, as it was before the checks were redesigned, so that nothing is lost.

``frozen_verdicts.json`` has status and id for every known mistake and every entry of tests/answers. It is never written
anew. ``decided_verdicts.toml`` has the entries that are decided otherwise since, each with a reason.
"""

import json
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
FROZEN = json.loads((HERE / "frozen_verdicts.json").read_text(encoding="utf-8"))
DECIDED = tomllib.loads((HERE / "decided_verdicts.toml").read_text(encoding="utf-8"))["verdict"]
_DECIDED = {(d["group"], d["exercise"], d["answer"]): d for d in DECIDED}


def expected_verdict(group: str, name: str, key: str) -> tuple[str, str | None] | None:
    """Status and id of an entry of tests/answers; None for one that is newer."""
    was = FROZEN[group].get(name, {}).get(key)
    decided = _DECIDED.get((group, name, key))
    if decided:
        assert was == [decided["was"][0], decided["was"][1] or None], "it was otherwise"
        return decided["is"][0], decided["is"][1] or None
    return tuple(was) if was else None
