"""The processes of runs, on one machine or on workers of several: how they start warm, whether they live, how they are
ended; and the history that they write."""
