"""How fast answers are written, beside transformers with the same weights.

    python -m benchmarks.decoding [--model NAME] [--batch N ...] [--prompt N] [--new_tokens N] \
        [--dtype float32] [--repeats N]

Both sides answer the same random prompts, of `--prompt` tokens and down to half of that, greedily
and with the same random weights, on the CPU and with the same number of threads. One answer of one
token and one of `--new_tokens` are timed in turns with the other side's; the first is what reading
the prompts takes, and what the second takes beyond it is the writing of all other tokens. Prints a
table: the medians of the repeats, tokens a second of each side and their ratio, and the share of
answers that are the same on both sides to the last token.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from granite_fc.configuration import parse
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import init_params
from granite_fc.vocabularies.vocabulary import Vocabulary

Prompts = Sequence[Sequence[int]]
# From prompts and a number of new tokens to the new tokens of each.
Generate = Callable[[Prompts, int], list[list[int]]]


class Times(NamedTuple):
    """Seconds of one batch.

    Attributes:
        one: Reading the prompts and writing one token each.
        all: The same with all tokens.
    """

    one: float
    all: float


class Ids(Vocabulary):
    """Ids without texts, of which none ends an answer."""

    name = "ids"
    digest = "ids"
    size = 0
    eos_id = -1

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, text: str) -> list[int]:
        """Returns no ids."""
        return []

    def decode(self, ids: Sequence[int]) -> str:
        """Returns no text."""
        return ""


def random_prompts(batch: int, longest: int, vocab_size: int) -> list[list[int]]:
    """Returns prompts of random ids, the first of `longest` tokens, none of less than half."""
    rng = np.random.default_rng(batch)
    lengths = [longest, *rng.integers(-(-longest // 2), longest + 1, batch - 1)]
    return [rng.integers(0, vocab_size, length).tolist() for length in lengths]


def engine_side(config: DecoderConfig, params: dict[str, Any]) -> Generate:
    """Returns what answers with this project's engine."""
    engine = Engine(config, params, Ids(config.vocab_size))

    def generate(prompts: Prompts, new_tokens: int) -> list[list[int]]:
        answers = engine.answer([Request(prompt, new_tokens) for prompt in prompts])
        return [list(answer.tokens) for (answer,) in answers]

    return generate


def transformers_side(config: DecoderConfig, params: dict[str, Any]) -> Generate:
    """Returns what answers with transformers' `generate`, on rows padded at the left."""
    import torch
    import transformers

    theirs: Any = transformers.LlamaConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_positions,
        hidden_size=config.d_model,
        intermediate_size=config.d_ff,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        rms_norm_eps=config.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        tie_word_embeddings=True,
    )
    model: Any = transformers.LlamaForCausalLM(theirs)
    model.load_state_dict(
        {name: torch.from_numpy(np.array(x)) for name, x in _llama_weights(config, params)}
    )
    model.to(getattr(torch, config.compute_dtype)).eval()
    model.generation_config.eos_token_id = None

    def generate(prompts: Prompts, new_tokens: int) -> list[list[int]]:
        longest = max(map(len, prompts))
        ids = np.zeros((len(prompts), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = prompt
            mask[row, longest - len(prompt) :] = 1
        with torch.inference_mode():
            written = model.generate(
                torch.from_numpy(ids),
                attention_mask=torch.from_numpy(mask),
                max_new_tokens=new_tokens,
                do_sample=False,
                pad_token_id=0,
            )
        return written[:, longest:].tolist()

    return generate


def _llama_weights(
    config: DecoderConfig, params: dict[str, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields what Hugging Face calls each weight, and the weight as it stores it, in float32."""
    params = jax.tree.map(lambda x: np.asarray(x, np.float32), params)
    for name in ("model.embed_tokens", "lm_head"):
        yield f"{name}.weight", params["embedding"]["table"]
    yield "model.norm.weight", params["final_norm"]["scale"]
    kernels = {
        "self_attn.q_proj": ("attention", "query"),
        "self_attn.k_proj": ("attention", "key"),
        "self_attn.v_proj": ("attention", "value"),
        "self_attn.o_proj": ("attention", "output"),
        "mlp.gate_proj": ("mlp", "gate"),
        "mlp.up_proj": ("mlp", "up"),
        "mlp.down_proj": ("mlp", "down"),
    }
    norms = {"input_layernorm": "attention_norm", "post_attention_layernorm": "mlp_norm"}
    for layer in range(config.num_layers):
        block = jax.tree.map(lambda x, layer=layer: x[layer], params["blocks"])
        at = f"model.layers.{layer}"
        for name, norm in norms.items():
            yield f"{at}.{name}.weight", block[norm]["scale"]
        for name, (part, kernel) in kernels.items():
            weight = block[part][kernel]["kernel"]
            inputs = weight.shape[0] * (weight.shape[1] if kernel == "output" else 1)
            yield f"{at}.{name}.weight", weight.reshape(inputs, -1).T


def measure(
    sides: Sequence[Generate], prompts: Prompts, new_tokens: int, repeats: int
) -> tuple[list[Times], float]:
    """Times all sides in turns.

    Args:
        sides: What answers.
        prompts: What to answer.
        new_tokens: Tokens of each answer.
        repeats: Turns of each side.

    Returns:
        The medians of each side, and the share of answers that are the same on all.
    """
    answers = [side(prompts, new_tokens) for side in sides]  # compiles
    seconds: list[list[Times]] = [[] for _ in sides]
    for side in sides:
        side(prompts, 1)
    for _ in range(repeats):
        for side, of_side in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side(prompts, 1)
            middle = time.perf_counter()
            side(prompts, new_tokens)
            of_side.append(Times(middle - start, time.perf_counter() - middle))
    medians = [Times(*map(statistics.median, zip(*times, strict=True))) for times in seconds]
    same = [all(answer == each[0] for answer in each) for each in zip(*answers, strict=True)]
    return medians, statistics.mean(same)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2_135m", help="a llama of gin/models")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--prompt", type=int, default=128, help="tokens of the longest prompt")
    parser.add_argument("--new_tokens", type=int, default=64)
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    jax.config.update("jax_platforms", "cpu")
    parse([f"models/{options.model}.gin"])
    make_config: Callable[..., DecoderConfig] = DecoderConfig  # gin gives what a model is made of
    config = make_config(compute_dtype=options.dtype, param_dtype=options.dtype)
    params = jax.jit(functools.partial(init_params, config))(jax.random.key(0))
    sides = engine_side(config, params), transformers_side(config, params)
    threads = len(os.sched_getaffinity(0))
    print(f"{options.model} in {options.dtype}, {threads} threads: {vars(options)}")
    print(
        f"{'':>7}{'reading the prompts, tokens/s':^33}{'writing, tokens/s':^33}{'same':>9}\n"
        f"{'batch':>7}" + f"{'engine':>10}{'transformers':>14}{'ratio':>9}" * 2 + f"{'answers':>9}"
    )
    for batch in options.batch:
        prompts = random_prompts(batch, options.prompt, config.vocab_size)
        medians, same = measure(sides, prompts, options.new_tokens, options.repeats)
        read, written = sum(map(len, prompts)), batch * (options.new_tokens - 1)
        rates = [
            [read / times.one for times in medians],
            [written / (times.all - times.one) for times in medians],
        ]
        columns = "".join(
            f"{ours:>10.1f}{theirs:>14.1f}{ours / theirs:>9.2f}" for ours, theirs in rates
        )
        print(f"{batch:>7}{columns}{same:>9.0%}", flush=True)


if __name__ == "__main__":
    main()
