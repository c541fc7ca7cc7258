"""What HuggingFace's `tokenizers` makes of ids, with the tokenizers of `make.py` and a decoder each.

    pip install tokenizers && python make_decoded.py
"""
import json
import os
import random

import tokenizers
from tokenizers import Regex, Tokenizer, decoders

HERE = os.path.dirname(os.path.abspath(__file__))
DECODERS = {
    "gpt2.json": [decoders.ByteLevel()],
    "roberta.json": [decoders.ByteLevel()],
    "llama3.json": [decoders.ByteLevel(), decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()])],
    "llama2.json": [decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])],
    "unigram.json": [decoders.Metaspace()],
    "unigram_first.json": [decoders.Metaspace(prepend_scheme="first")],
    "unigram_never.json": [decoders.Metaspace(prepend_scheme="never", split=False), decoders.Sequence([decoders.Metaspace(), decoders.Fuse(), decoders.Strip("e", 1, 2)])],
    "bert.json": [decoders.WordPiece()],
    "bert_cased.json": [decoders.WordPiece(cleanup=False)],
    "tokenizer.json": [decoders.WordPiece(prefix="##")],
    "fused.json": [decoders.BPEDecoder()],
    "unfused.json": [None, decoders.WordPiece(prefix="##"), decoders.Sequence([decoders.Replace(Regex("[aeiou]+"), "*"), decoders.Fuse()])],
    "added.json": [None],
    "digits.json": [None],
}

draw = random.Random(1)
golden = json.load(open(os.path.join(HERE, "answers.json")))
cases = []
for file, choices in DECODERS.items():
    for decoder in choices:
        t = Tokenizer.from_file(os.path.join(HERE, file))
        t.no_truncation()
        t.no_padding()
        if decoder is not None:
            t.decoder = decoder
        lists = [t.encode(text).ids for text in golden["texts"] + ["taxi 🚕 Straße" * 3]]
        most = golden["files"][file]["num_ids"] + 2
        lists += [[draw.randrange(most) for _ in range(draw.randrange(1, 40))] for _ in range(25)]
        # `Strip` panics where less is left than it would take.
        strips = decoder is not None and '"stop":2' in t.to_str()
        lists = [ids[:60] for ids in lists if ids and not (strips and len(ids) < 12)]
        cases.append({
            "file": file,
            "decoder": json.loads(t.to_str())["decoder"],
            "ids": lists,
            "whole": [t.decode(ids, skip_special_tokens=False) for ids in lists],
            "plain": [t.decode(ids, skip_special_tokens=True) for ids in lists],
        })
with open(os.path.join(HERE, "decoded.json"), "w") as out:
    json.dump({"made_by": f"tokenizers {tokenizers.__version__}", "cases": cases}, out, ensure_ascii=True)
    out.write("\n")
