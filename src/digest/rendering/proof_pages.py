"""The page of a proof, in editors' words; without a script, as the readers' pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digest.rendering.environment import environment
from digest.rendering.proof import ProofFacts


@dataclass(frozen=True, slots=True)
class ProofPage:
    """What there is to decide, or what has become of it.

    `standing` is `open`, `approved`, `changed` or `over`; `wish` the button that was pressed in the mail and
    comes first here; `done` the one that was pressed here, or "". `newer_url` leads to the version that goes
    out instead, `changes` say what it has otherwise.
    """

    facts: ProofFacts
    standing: str
    state: str
    state_name: str
    action_url: str
    wish: str = "approve"
    done: str = ""
    approved_by: str = ""
    newer_url: str = ""
    changes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def acts(self) -> tuple[str, ...]:
        """The buttons that make sense, the wished one first."""
        if self.standing not in ("open", "approved"):
            return ()
        there = ["stop"] if self.state in ("held", "paused") else ["hold", "stop"]
        if self.standing == "open":
            there.insert(0, "approve")
        return tuple(sorted(there, key=lambda act: act != self.wish))


def render_proof_page(page: ProofPage, language: str, *, templates: Path | None = None) -> str:
    """The page as HTML."""
    env = environment(language, templates)
    return env.get_template("web/public/proof.html").render({"page": page})
