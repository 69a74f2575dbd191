"""Where models are trained: a process of this machine, or training jobs of SageMaker. Both keep one contract, which
`socialnlp_assets/training/container.py` describes."""
