"""What is on the rise: bursts of phrases, names and topics, and stories that messages tell across hours.

`bursts.py` and `stories.py` are pure functions; `record.py` keeps what they find in the mart, hour by hour.
"""
