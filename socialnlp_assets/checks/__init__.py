"""Expectations of each asset, and the guard that applies them before an hour is published."""

from socialnlp_assets.checks.accounts import Accounts
from socialnlp_assets.checks.expectations import Check, Expectation, checks_of
from socialnlp_assets.checks.guard import audit

__all__ = ["Accounts", "Check", "Expectation", "audit", "checks_of"]
