"""Where models are trained: a process of this machine, or a training job on SageMaker, by the same contract, which
`socialnlp_assets/training/container.py` describes."""
