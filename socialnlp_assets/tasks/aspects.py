"""What a review says of one aspect; on the wire as `multi_label`, and the scores sum to 1."""

from __future__ import annotations

from socialnlp_assets.tasks.multi_label import MultiLabel
from socialnlp_assets.tasks.scores import certain

NOT_MENTIONED = "not mentioned"


class Aspects(MultiLabel, name="aspects"):
    def blank(self) -> dict[str, float]:
        """A blank review does not mention it."""
        return certain(NOT_MENTIONED, self.labels)
