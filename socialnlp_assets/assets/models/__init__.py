"""Models as assets, the group `models`: labels → trained → evaluation → versions, four for each model that the
catalogue trains."""
