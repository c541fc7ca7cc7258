"""KServe's Open Inference Protocol, asked by `tritonclient` over HTTP and gRPC."""

import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http

fares = np.array([[12.0], [10.0]], dtype=np.float32)
companies = np.array([[b"Yellow"], [b"Blue"]], dtype=np.object_)

for module in (over_http, over_grpc):
    client = module.InferenceServerClient(sys.argv[1])
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("taxi")
    metadata = client.get_model_metadata("taxi")
    name = metadata["name"] if isinstance(metadata, dict) else metadata.name
    assert name == "taxi", metadata
    server = client.get_server_metadata()
    assert (server["name"] if isinstance(server, dict) else server.name) == "cupola", server

    # `binary_data` is of HTTP alone: as bytes, which is what the client does by itself, and as JSON.
    for options in ([{}, {"binary_data": False}] if module is over_http else [{}]):
        inputs = [module.InferInput("fare", [2, 1], "FP32"), module.InferInput("company", [2, 1], "BYTES")]
        inputs[0].set_data_from_numpy(fares, **options)
        inputs[1].set_data_from_numpy(companies, **options)
        for outputs in (None, [module.InferRequestedOutput("logit", **options)]):
            answer = client.infer("taxi", inputs, outputs=outputs, request_id="7")
            logits = answer.as_numpy("logit")
            assert logits.tolist() == [[3.0], [1.0]], logits
    try:
        client.infer("nope", inputs)
        raise SystemExit("a model that is not there answered")
    except module.InferenceServerException as error:
        assert "nope" in str(error), error
print("tritonclient over HTTP and gRPC")
