"""Adds executions to a store with the real ml_metadata client; each reads an artifact and writes another.

Usage: put_one.py STORE ARTIFACT [TIMES]
"""

import json
import sys

from ml_metadata import errors
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb


def put(store, model, serial):
    examples = pb.ArtifactType(name="Examples", base_type=pb.ArtifactType.DATASET)
    examples.properties["span"] = pb.INT
    trainer = pb.ExecutionType(name="tfx.components.trainer.component.Trainer", base_type=pb.ExecutionType.TRAIN)
    trainer.properties["custom_config"] = pb.STRING
    types = {
        "artifact": store.put_artifact_type(examples, can_add_fields=True, can_omit_fields=True),
        "execution": store.put_execution_type(trainer, can_add_fields=True, can_omit_fields=True),
    }
    contexts = [
        pb.Context(type_id=store.put_context_type(pb.ContextType(name=kind)), name=name)
        for kind, name in [("pipeline", "taxi"), ("pipeline_run", "monday"), ("node", "taxi.trainer")]
    ]
    execution = pb.Execution(type_id=types["execution"], last_known_state=pb.Execution.COMPLETE, name=f"theirs-{serial}")
    execution.properties["custom_config"].string_value = "{}"
    artifact = pb.Artifact(type_id=types["artifact"], uri="/theirs", state=pb.Artifact.LIVE)
    artifact.properties["span"].int_value = 8
    artifact.custom_properties["is_theirs"].bool_value = True
    artifact.custom_properties["raw"].proto_value.Pack(pb.Value(int_value=1))

    def event(kind, key):
        path = pb.Event.Path(steps=[pb.Event.Path.Step(key=key), pb.Event.Path.Step(index=0)])
        return pb.Event(type=kind, path=path)

    [known] = store.get_artifacts_by_id([model])
    _, artifacts, _ = store.put_execution(
        execution,
        [(known, event(pb.Event.INPUT, "model")), (artifact, event(pb.Event.OUTPUT, "examples"))],
        contexts,
        reuse_context_if_already_exist=True,
    )
    return artifacts[1]


def retrying(put, times=100):
    """Calls again when others wrote meanwhile: the client itself tries five times in a row and gives up."""
    for _ in range(times):
        try:
            return put()
        except errors.AbortedError:
            pass
    raise SystemExit(f"others wrote in between {times} times")


def main(path, model, times):
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = path
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE
    store = metadata_store.MetadataStore(config)
    for serial in range(times):
        artifact = retrying(lambda: put(store, model, serial))
    print(json.dumps({"artifact": artifact}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
