"""A code location whose assets show what people wrote; run by the test of what a browser does with it."""

from __future__ import annotations

import os

import dagster as dg
import pyarrow as pa

from socialnlp_assets import markdown
from socialnlp_assets.assets.metadata import of_quarantine, preview

OUTSIDE = os.environ["SOCIALNLP_TEST_OUTSIDE"]  # address of a server that stands for the open web
HOSTILE = [
    "![image]({0}/image.png)",
    "![image][one]",
    "<img src='{0}/html.png'> <b onmouseover=x>",
    "<{0}/angle> {0}/bare www.outside.example/www someone@outside.example",
    "[link]({0}/link) *emphasis* _this_ `code` ~~gone~~",
    "a | b \\| c \\",
    "line\n\n![image]({0}/line.png)\n\n# heading",
    "`` ` ``![image]({0}/code.png)",
    "&#33;[image]({0}/reference.png)",
    "| --- |\n\n[one]: {0}/definition.png",
    "<iframe src={0}/frame></iframe><style>@import '{0}/style.css'</style>",
]
TEXTS = [text.format(OUTSIDE) for text in HOSTILE]


@dg.asset
def encoded() -> dg.MaterializeResult[None]:
    previews = {
        f"preview_{n}": dg.MetadataValue.md(preview(pa.table({"message": [text], "after": ["behind"]})))
        for n, text in enumerate(TEXTS)
    }
    quarantined = {f"quarantined_{n}": of_quarantine("place", [text])["quarantined"] for n, text in enumerate(TEXTS)}
    return dg.MaterializeResult(metadata={**previews, **quarantined, "end": "all is shown"})


@dg.asset_check(asset=encoded)
def described() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description=" ".join(map(markdown.plain, TEXTS)) + " all is described")


@dg.asset
def verbatim() -> dg.MaterializeResult[None]:
    """What would happen: the same text without encoding."""
    return dg.MaterializeResult(metadata={"preview": dg.MetadataValue.md(TEXTS[0]), "end": "all is shown"})


defs = dg.Definitions(assets=[encoded, verbatim], asset_checks=[described])
