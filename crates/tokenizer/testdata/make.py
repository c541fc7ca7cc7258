"""Makes small tokenizer files of the popular kinds, and what HuggingFace's `tokenizers` says of texts with them.

    pip install tokenizers && python make.py
"""
import json
import os

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = [
    "Taxi Affiliation Services took the low road home.", "Lower fares, newest taxis: the widest choice in Chicago!",
    "Don't pay more than $12.50 for a ride of 3.2 miles.", "They're driving; we've been waiting 15 minutes (or 20).",
    "Der Fahrer fährt über die Straße nach Köln.", "東京タワーまでお願いします。 Москва, я еду!", "naïve café déjà vu résumé",
    "unaffable unaffordable affable affordable", "aaa aaaa aaaaa", "http://example.com/path?x=1&y=2",
    "def f(x):\n    return x + 1\n\n\nprint(f(2))\t# 3",
] * 3
TEXTS = CORPUS[:11] + [
    "", " ", "  ", "a", "A", " a", "a ", "  a  b   c ", "\n", "\n\n a\n", "\ta\t", "it's We'LL I'd", "ǅ İstanbul ΟΔΟΣ", "e\u0301e",
    "\u00a0x\u3000y", "\u200bzero\u200dwidth\ufeff", "\u0000\ufffd\u0007", "½ ² ٣ 100000 1234567", "🚕🚖 taxi👩‍👩‍👧", "中文字符test混合",
    "<s>", "</s>hello<s> there</s>", "a<mask>b", "a <mask> b", "x<mask>", "<MASK>", "[CLS] x [SEP]", "[cls]", "taxicab taxi's mytaxi taxi",
    "supercalifragilisticexpialidocious" * 4, "a" * 120, "ﬁ ﬂ Ⅷ ｆｕｌｌ", "한국어 텍스트", "word " * 40, "…—“quoted”", "\r\n\r\nline",
    "▁meta▁space", "Ġbyte Ċ", "a\u0327\u0301", "###", "##ing", "\U0010fffd", "new\u2028line\u2029par\u0085next", "<0x0A>",
]


def bpe(**options):
    return Tokenizer(models.BPE(**options))


def trained(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def gpt2():
    t = bpe()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return trained(t, trainers.BpeTrainer(vocab_size=420, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))


def roberta():
    t = bpe()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trained(t, trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    t.enable_truncation(16)
    t.enable_padding(pad_id=1, pad_token="<pad>", length=16)
    return t


def llama3():
    t = bpe(ignore_merges=True)
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(words), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trained(t, trainers.BpeTrainer(vocab_size=450, special_tokens=["<|begin|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", 0)])])
    return t


def llama2():
    t = bpe(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained(t, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)], limit_alphabet=60, show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return t


def fused():
    t = bpe(unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>")
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(individual_digits=True)])
    return trained(t, trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=30, show_progress=False))


def unfused():
    t = bpe(unk_token="<unk>", continuing_subword_prefix="##")
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit(" "), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(individual_digits=False)])
    return trained(t, trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>"], continuing_subword_prefix="##", limit_alphabet=40, show_progress=False))


def example():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=40, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    t.train_from_iterator(["Blue Cab", "Taxi Alpha Cab", "City Taxi"] * 3, trainer)
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def bert(cased=False):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trained(t, trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    if cased:
        t.enable_truncation(10, stride=2, direction="left")
        t.enable_padding(direction="left", pad_id=0, pad_token="[PAD]", pad_to_multiple_of=8)
    return t


def unigram(scheme="always", split=True):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
    trained(t, trainers.UnigramTrainer(vocab_size=220, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return t


def added():
    t = Tokenizer(models.WordLevel(unk_token="<unk>"))
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    trained(t, trainers.WordLevelTrainer(vocab_size=80, special_tokens=["<unk>"], show_progress=False))
    t.add_tokens([AddedToken("Taxi", normalized=True, single_word=True), AddedToken("taxicab", normalized=False), AddedToken("<s>", rstrip=True), AddedToken("<mask>", lstrip=True, rstrip=True, normalized=True)])
    return t


def digits():
    t = Tokenizer(models.WordLevel(unk_token="<unk>"))
    t.normalizer = normalizers.NFD()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\d+"), "contiguous"), pre_tokenizers.Split(" ", "merged_with_next"), pre_tokenizers.Punctuation("removed"), pre_tokenizers.Split(Regex("[a-z]+"), "isolated", invert=True)])
    return trained(t, trainers.WordLevelTrainer(vocab_size=90, special_tokens=["<unk>"], show_progress=False))


FILES = {
    "tokenizer": example,
    "gpt2": gpt2, "roberta": roberta, "llama3": llama3, "llama2": llama2, "fused": fused, "unfused": unfused, "bert": bert,
    "bert_cased": lambda: bert(True), "unigram": unigram, "unigram_first": lambda: unigram("first"), "unigram_never": lambda: unigram("never", False),
    "added": added, "digits": digits,
}
answers = {}
for name, make in FILES.items():
    t = make()
    file = f"{name}.json"
    t.save(os.path.join(HERE, file), pretty=False)
    t = Tokenizer.from_file(os.path.join(HERE, file))
    ids = list(t.get_vocab(with_added_tokens=True).values())
    answers[file] = {
        "num_ids": max(ids) + 1,
        "plain": [t.encode(text, add_special_tokens=False).ids for text in TEXTS],
        "special": [t.encode(text).ids for text in TEXTS],
    }
with open(os.path.join(HERE, "answers.json"), "w") as out:
    json.dump({"made_by": f"tokenizers {tokenizers.__version__}", "texts": TEXTS, "files": answers}, out, ensure_ascii=True)
    out.write("\n")
