"""Makes `byte_pairs.json`: a vocabulary that HuggingFace's tokenizers learns, and what it makes of texts.

    pip install tokenizers==0.23.3
    python make.py
"""

import json
import random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

random.seed(3)

WORDS = (
    "the taxi drove through chicago and the driver said it's late we'll take the cab they're waiting I'd rather walk "
    "straße über café naïve Ünal łódź 한국 서울 東京 タクシー привет такси 🚕 🚕🚕 123 2024 3.14 $12.50 a_b foo@bar.com "
    "international internationalization nation national rationale ratio station stationary"
).split()
GAPS = [" "] * 12 + ["  ", "\n", ", ", ". ", "-", "\t", " \n "]


def some_text():
    return "".join(random.choice(WORDS) + random.choice(GAPS) for _ in range(random.randint(0, 12)))


texts = [some_text() for _ in range(200)]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
tokenizer.train_from_iterator(texts, trainer)
vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
others = [some_text() for _ in range(50)] + ["", " ", "zzz", "\u00a0x", "a" * 50]
with open("byte_pairs.json", "w", encoding="utf-8") as file:
    rows = [{"text": text, "ids": tokenizer.encode(text).ids} for text in others]
    json.dump({"texts": texts, "vocabulary": vocabulary, "rows": rows}, file, separators=(",", ":"))
    file.write("\n")
