"""The real `openai` client against the server whose address is the argument."""
import sys

import openai

client = openai.OpenAI(base_url=f"http://{sys.argv[1]}/v1", api_key="none", max_retries=0)

models = list(client.models.list())
assert [model.id for model in models] == ["lm"], models
assert client.models.retrieve("lm").id == "lm"

ask = dict(model="lm", prompt="Once upon a time", max_tokens=30, seed=5, temperature=0.9, top_p=0.95)
whole = client.completions.create(**ask)
assert whole.object == "text_completion" and whole.choices[0].finish_reason == "length", whole
assert whole.usage.completion_tokens == 30 and whole.usage.total_tokens == whole.usage.prompt_tokens + 30, whole
assert client.completions.create(**ask).choices[0].text == whole.choices[0].text

text, finish, usage, count = "", None, None, 0
for chunk in client.completions.create(stream=True, stream_options={"include_usage": True}, **ask):
    count += 1
    if chunk.usage:
        usage = chunk.usage
    for choice in chunk.choices:
        text += choice.text
        finish = choice.finish_reason or finish
assert text == whole.choices[0].text and finish == "length", (text, finish)
assert usage.completion_tokens == 30 and count > 10, (usage, count)

several = client.completions.create(model="lm", prompt=["a", "b"], n=2, max_tokens=4, seed=1)
assert [choice.index for choice in several.choices] == [0, 1, 2, 3], several

scored = client.completions.create(model="lm", prompt="abc", max_tokens=0, echo=True, logprobs=1)
logprobs = scored.choices[0].logprobs
assert scored.choices[0].text == "abc" and logprobs.token_logprobs[0] is None, scored
assert all(value < 0 for value in logprobs.token_logprobs[1:]), logprobs
assert len(logprobs.tokens) == len(logprobs.text_offset) == len(logprobs.top_logprobs) == 4, logprobs

stopped = client.completions.create(model="lm", prompt="x", max_tokens=60, stop=[whole.choices[0].text[3]], presence_penalty=1.5, seed=5)
assert whole.choices[0].text[3] not in stopped.choices[0].text, stopped


def refused(kind, **changed):
    try:
        client.completions.create(**{**ask, **changed})
    except kind as error:
        return error
    raise AssertionError(f"{changed} was not refused")


assert refused(openai.NotFoundError, model="gpt").code == "model_not_found"
assert refused(openai.BadRequestError, suffix="end").param == "suffix"
assert refused(openai.BadRequestError, max_tokens=100_000).code == "context_length_exceeded"
assert refused(openai.BadRequestError, temperature=9).param == "temperature"
try:
    client.chat.completions.create(model="lm", messages=[{"role": "user", "content": "hello"}])
except openai.NotFoundError as error:
    assert "/v1/completions" in str(error), error
else:
    raise AssertionError("chat was not refused")

# Leaving in the middle.
stream = client.completions.create(stream=True, **{**ask, "max_tokens": 900})
next(iter(stream))
stream.close()
print(f"openai {openai.__version__}: {count} events")
