import importlib.util
import sys
import time

import torch

torch.set_num_threads(2)
spec = importlib.util.spec_from_file_location("recipe", sys.argv[1])
recipe = importlib.util.module_from_spec(spec)
sys.modules["recipe"] = recipe
spec.loader.exec_module(recipe)

VOCAB, LENGTH, BATCH, WARM_UP, STEPS = 8192, 256, 8, 3, 20
shape = recipe.Shape(
    vocab_size=VOCAB,
    hidden_size=256,
    intermediate_size=704,
    num_hidden_layers=4,
    num_attention_heads=8,
    num_key_value_heads=8,
    head_dim=32,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    tie_word_embeddings=True,
)
model = recipe.Transformer(shape, LENGTH, torch.float32, False)
# As the other side: small, all of one size.
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            parameter.fill_(1.0)
        else:
            parameter.uniform_(-0.035, 0.035)
model.set_rotation("cpu")
optimizer = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
generator = torch.Generator().manual_seed(1)


def batch():
    tokens = torch.randint(VOCAB, (BATCH, LENGTH + 1), generator=generator)
    noise = torch.rand(BATCH, LENGTH + 1, generator=generator) < 0.1
    for place in range(1, LENGTH + 1):
        follows = (tokens[:, place - 1] * 31 + 7) % VOCAB
        tokens[:, place] = torch.where(noise[:, place], tokens[:, place], follows)
    return tokens


batches = [batch() for _ in range(WARM_UP + STEPS)]
begin, loss = None, None
for step, tokens in enumerate(batches, 1):
    loss = model(tokens[:, :-1], tokens[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step == WARM_UP:
        begin = time.perf_counter()
print(BATCH * LENGTH * STEPS / (time.perf_counter() - begin), loss.item())
