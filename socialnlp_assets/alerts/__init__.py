"""Telling people: what an alert is, the channels that take it, and when a trouble is told again or is over.

What is wrong at the moment is found elsewhere (`sensors/troubles.py`). Nothing here knows of hours or endpoints.
"""

from socialnlp_assets.alerts.alert import Alert, State
from socialnlp_assets.alerts.resource import AlertNotSent, Alerts
from socialnlp_assets.alerts.rules import Memory, Trouble, tell

__all__ = ["Alert", "AlertNotSent", "Alerts", "Memory", "State", "Trouble", "tell"]
