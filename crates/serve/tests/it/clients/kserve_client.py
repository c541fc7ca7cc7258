"""KServe's Open Inference Protocol, asked by the clients of the package `kserve`, REST and gRPC."""

import asyncio
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model, is_binary):
    fares = InferInput("fare", [2, 1], "FP32")
    fares.set_data_from_numpy(np.array([[12.0], [10.0]], dtype=np.float32), binary_data=is_binary)
    companies = InferInput("company", [2, 1], "BYTES")
    companies.set_data_from_numpy(np.array([["Yellow"], ["Blue"]], dtype=np.object_), binary_data=is_binary)
    return InferRequest(model, [fares, companies], request_id="7")


def check(answer):
    assert (answer.model_name, answer.id) == ("taxi", "7"), answer
    logits = {output.name: output.as_numpy() for output in answer.outputs}["logit"]
    assert logits.tolist() == [[3.0], [1.0]], logits


async def over_rest(address):
    client, url = InferenceRESTClient(RESTConfig(protocol="v2")), f"http://{address}"
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, "taxi") and not await client.is_model_ready(url, "nope")
    for is_binary in (True, False):
        check(await client.infer(url, request("taxi", is_binary), model_name="taxi"))
    try:
        await client.infer(url, request("nope", False), model_name="nope")
        raise SystemExit("a model that is not there answered")
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404 and "nope" in str(error), error
    await client.close()


async def over_grpc(address):
    client = InferenceGRPCClient(address)
    assert await client.is_server_live() and await client.is_server_ready()
    assert await client.is_model_ready("taxi")
    for is_binary in (True, False):
        check(await client.infer(request("taxi", is_binary)))
    try:
        await client.infer(request("nope", False))
        raise SystemExit("a model that is not there answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND and "nope" in error.details(), error
    await client.close()


asyncio.run(over_rest(sys.argv[1]))
asyncio.run(over_grpc(sys.argv[1]))
print("kserve over REST and gRPC")
