"""Expectations of each asset, and the guard that applies them before an hour is published."""

from socialnlp_assets.checks.accounts import Accounts
from socialnlp_assets.checks.contract import contract
from socialnlp_assets.checks.expectation import Check, Expectation, Level
from socialnlp_assets.checks.guard import Audit, Verdict, audit
from socialnlp_assets.checks.tuning import Checks

__all__ = ["Accounts", "Audit", "Check", "Checks", "Expectation", "Level", "Verdict", "audit", "contract"]
