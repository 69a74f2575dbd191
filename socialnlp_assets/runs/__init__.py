"""The processes of runs on one machine: how they start warm, whether they live, and how they are ended."""
