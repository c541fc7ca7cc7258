"""TensorFlow Serving's gRPC API, asked by `grpcio`.

The messages are `tensorflow-serving-api`'s where they can be imported, which needs TensorFlow; otherwise the calls and
their bytes are gRPC's own, with messages that are written here.
"""

import struct
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1])


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


try:
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2

    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "taxi"
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    request.inputs["fare"].CopyFrom(
        tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape=shape, float_val=[12.0]))
    request.inputs["company"].CopyFrom(
        tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[b"Yellow"]))
    answer = stub.Predict(request, timeout=10)
    assert list(answer.outputs["logit"].float_val) == [3.0], answer
    assert answer.model_spec.version.value == 1, answer
    how = "tensorflow-serving-api"

    # The models that are served, exchanged for the same under two names.
    from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc

    models = model_service_pb2_grpc.ModelServiceStub(channel)
    reload = model_management_pb2.ReloadConfigRequest()
    for name in ("taxi", "cab"):
        model = reload.config.model_config_list.config.add()
        model.name, model.base_path, model.model_platform = name, sys.argv[2], "tensorflow"
        model.model_version_policy.specific.versions.append(1)
    assert models.HandleReloadConfigRequest(reload, timeout=30).status.error_code == 0
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "cab"
    [version] = models.GetModelStatus(status, timeout=10).model_version_status
    assert (version.version, version.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE), version
    request.model_spec.name = "cab"
    assert list(stub.Predict(request, timeout=10).outputs["logit"].float_val) == [3.0]
except ImportError as missing:
    shape = field(2, field(2, b"\x08\x01"))
    fare = b"\x08\x01" + shape + field(5, struct.pack("<f", 12.0))
    company = b"\x08\x07" + shape + field(8, b"Yellow")
    entry = lambda name, tensor: field(2, field(1, name) + field(2, tensor))
    request = field(1, field(1, b"taxi")) + entry(b"fare", fare) + entry(b"company", company)
    predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    answer = predict(request, timeout=10)
    assert struct.pack("<f", 3.0) in answer, answer
    how = f"plain messages ({missing})"

# Many at a time on one connection, compressed ones among them.
predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
data = request if isinstance(request, bytes) else request.SerializeToString()
expected = predict(data, timeout=10)
calls = [predict.future(data, timeout=10, compression=grpc.Compression.Gzip if i % 2 else None) for i in range(500)]
assert all(call.result() == expected for call in calls)

for path, message, code in [
    ("/tensorflow.serving.PredictionService/Predict", field(1, field(1, b"nope")), grpc.StatusCode.NOT_FOUND),
    ("/tensorflow.serving.PredictionService/Predict", b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
    ("/tensorflow.serving.PredictionService/Explain", b"", grpc.StatusCode.UNIMPLEMENTED),
]:
    try:
        channel.unary_unary(path)(message, timeout=10)
        raise SystemExit(f"{path} was answered")
    except grpc.RpcError as error:
        assert error.code() == code, error
        assert error.details(), error
print("grpcio", grpc.__version__, "with", how)
