"""Where models are trained: a process of this machine, by SageMaker's contract for training containers, which
`socialnlp_assets/training/container.py` describes."""
