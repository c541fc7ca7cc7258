"""Lists everything in a store with the real ml_metadata client, as one JSON object.

Usage: list_everything.py STORE
"""

import json
import sys

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb


def values(properties):
    def value(v):
        found = getattr(v, v.WhichOneof("value"))
        # Structs, messages and bytes have no JSON of their own.
        return found if isinstance(found, (bool, int, float, str)) else str(found)

    return {name: value(v) for name, v in sorted(properties.items())}


def base_of(message, system_types):
    return system_types.Name(message.base_type) if message.HasField("base_type") else None


def type_json(kind, message, system_types=None):
    return {
        "kind": kind,
        "name": message.name,
        "base": base_of(message, system_types) if system_types else None,
        "properties": {n: pb.PropertyType.Name(t) for n, t in sorted(message.properties.items())},
    }


def step(s):
    return s.index if s.WhichOneof("value") == "index" else s.key


def main(path):
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = path
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE
    store = metadata_store.MetadataStore(config)

    artifacts = sorted(store.get_artifacts(), key=lambda a: a.id)
    executions = sorted(store.get_executions(), key=lambda e: e.id)
    contexts = sorted(store.get_contexts(), key=lambda c: c.id)
    ids = [e.id for e in executions]
    events = store.get_events_by_execution_ids(ids) if ids else []
    of_artifacts = [a.id for a in artifacts]
    by_artifact = store.get_events_by_artifact_ids(of_artifacts) if of_artifacts else []
    if sorted(map(str, events)) != sorted(map(str, by_artifact)):
        raise SystemExit("events by execution and by artifact differ")

    types = [type_json("artifact", t, pb.ArtifactType.SystemDefinedBaseType) for t in store.get_artifact_types()]
    types += [type_json("execution", t, pb.ExecutionType.SystemDefinedBaseType) for t in store.get_execution_types()]
    types += [type_json("context", t) for t in store.get_context_types()]

    print(
        json.dumps(
            {
                "types": types,
                "artifacts": [
                    {
                        "id": a.id,
                        "type": a.type,
                        "name": a.name,
                        "uri": a.uri,
                        "state": pb.Artifact.State.Name(a.state),
                        "created_ms": a.create_time_since_epoch,
                        "properties": values(a.properties),
                        "custom_properties": values(a.custom_properties),
                    }
                    for a in artifacts
                ],
                "executions": [
                    {
                        "id": e.id,
                        "type": e.type,
                        "name": e.name,
                        "state": pb.Execution.State.Name(e.last_known_state),
                        "created_ms": e.create_time_since_epoch,
                        "updated_ms": e.last_update_time_since_epoch,
                        "properties": values(e.properties),
                        "custom_properties": values(e.custom_properties),
                    }
                    for e in executions
                ],
                "contexts": [
                    {
                        "id": c.id,
                        "type": c.type,
                        "name": c.name,
                        "properties": values(c.properties),
                        "custom_properties": values(c.custom_properties),
                        "parents": sorted(p.id for p in store.get_parent_contexts_by_context(c.id)),
                    }
                    for c in contexts
                ],
                "events": [
                    {
                        "artifact": e.artifact_id,
                        "execution": e.execution_id,
                        "type": pb.Event.Type.Name(e.type),
                        "path": [step(s) for s in e.path.steps],
                        "at_ms": e.milliseconds_since_epoch,
                    }
                    for e in sorted(events, key=lambda e: (e.execution_id, e.type, e.artifact_id))
                ],
                "associations": sorted([c.id, e.id] for c in contexts for e in store.get_executions_by_context(c.id)),
                "attributions": sorted([c.id, a.id] for c in contexts for a in store.get_artifacts_by_context(c.id)),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
