"""The model server that runs inside an endpoint: the same program on a laptop and in SageMaker's container.

`__main__` binds the socket, `app` speaks HTTP, the room `tasks` reads and writes bodies, `loaded_model` loads
folders, `worker` runs predictions one request at a time, `batching` groups texts by length, `handlers/` has one
module an engine. Nothing here imports Dagster, boto3 or pandas.
"""
