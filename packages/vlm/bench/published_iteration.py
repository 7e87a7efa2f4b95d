"""The iteration that bench:gpu and bench:vlm measure, as the published loop does it in PyTorch with transformers: one image
and one answer after the other, one update for each answer, logits and log-probabilities of the whole sequence, the
reference policy as a second pass without the adapters.

    python3 published_iteration.py SHAPE.json ITERATIONS DEVICE DTYPE [IMAGES [--processor]]

SHAPE.json is bench-small.json or one of gpu-shapes.json, IMAGES how many images an iteration has (1); with
--processor times are those of the processor. The last line that is
printed is JSON: seconds of each phase of each iteration (a first one, of one image, is left out), and the peak of bytes on
the card. On a CPU OMP_NUM_THREADS says how many threads there are.
"""
import json
import os
import sys
import time

import torch
from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK, SCALE, BETA = 16, 2.0, 1e-3
PROCESSOR = "--processor" in sys.argv


class Adapted(nn.Module):
    """A frozen linear layer with a LoRA in float32 on top, which can be switched off."""

    on = True

    def __init__(self, base):
        super().__init__()
        self.base = base
        place = {"device": base.weight.device, "dtype": torch.float32}
        self.down = nn.Parameter(torch.randn(RANK, base.in_features, **place) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, RANK, **place))

    def forward(self, x):
        y = self.base(x)
        if not Adapted.on:
            return y
        return y + (SCALE * (x.float() @ self.down.T) @ self.up.T).to(y.dtype)


def main(file, iterations, device, dtype, images):
    with open(file) as text:
        shape = json.load(text)
    torch.manual_seed(0)
    if device == "cpu" and "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    words = shape["vocab_size"]
    image, start, end = words - 1, words - 3, words - 4
    model = build(shape, words, image, start, end).to(device=device, dtype=getattr(torch, dtype)).eval()
    model.requires_grad_(False)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name.endswith(TARGETS) and "visual" not in name:
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, Adapted(module))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0.01)

    height, width = shape["grid"]
    pixels = torch.randn(height * width, 1176, device=device, dtype=getattr(torch, dtype))
    grid = torch.tensor([[1, height, width]], device=device)

    def prompt_of(role):
        text = torch.randint(10, words - 10, (shape[f"{role}_prompt"],)).tolist()
        return [start] + [image] * (height * width // 4) + [end] + text

    question, prompt = prompt_of("proposer"), prompt_of("solver")

    def inputs(ids):
        ids = torch.tensor([ids], device=device)
        kinds = (ids == image).int()
        given = {"pixel_values": pixels, "image_grid_thw": grid, "mm_token_type_ids": kinds}
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **given}

    def sample(prompt):
        count = shape["new_tokens"]
        marks = [image, words - 2, start, end]
        settings = {"do_sample": True, "top_k": 0, "pad_token_id": 1, "suppress_tokens": marks}
        with torch.no_grad():
            ids = model.generate(**inputs(prompt), max_new_tokens=count, min_new_tokens=count, **settings)
        return ids[0, len(prompt) :].tolist()

    def learn(answer, advantage):
        given = inputs(prompt + answer)
        labels = given["input_ids"].clone()
        labels[:, : len(prompt)] = -100
        out = model(**given, labels=labels)
        policy = torch.log_softmax(out.logits.float(), -1)[:, :-1]
        Adapted.on = False
        with torch.no_grad():
            reference = torch.log_softmax(model(**given).logits.float(), -1)[:, :-1]
        Adapted.on = True
        kl = (policy.exp() * (policy - reference)).sum(-1)[labels[:, 1:] != -100].mean()
        optimizer.zero_grad(set_to_none=True)
        (advantage * out.loss + BETA * kl).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()

    def clock():
        if device == "cuda":
            torch.cuda.synchronize()
        return time.process_time() if PROCESSOR else time.perf_counter()

    def iteration(count):
        times = {"sample a question": 0.0, "sample five answers": 0.0, "updates": 0.0}
        for _ in range(count):
            begin = clock()
            sample(question)
            asked = clock()
            answers = [sample(prompt) for _ in range(shape["samples"])]
            answered = clock()
            for place, answer in enumerate(answers):
                learn(answer, (-1.0) ** place)
            spent = asked - begin, answered - asked, clock() - answered
            times = {phase: times[phase] + more for phase, more in zip(times, spent)}
        return {**times, "total": sum(times.values())}

    iteration(1)
    rows = [iteration(images) for _ in range(iterations)]
    card = torch.cuda.max_memory_allocated() if device == "cuda" else None
    print(json.dumps({"rows": rows, "card": card}))


def build(shape, words, image, start, end):
    common = {"hidden_act": "silu", "initializer_range": 0.02}
    rope = {"type": "mrope", "mrope_section": shape["mrope_section"]}
    text = {**shape["text"], "vocab_size": words, "rope_theta": 1e6, "rms_norm_eps": 1e-6, "rope_scaling": rope}
    tied = {"tie_word_embeddings": shape.get("tied", False)}
    text.update(common, **tied, max_position_embeddings=8192, bos_token_id=0, eos_token_id=1)
    patch = {"patch_size": 14, "spatial_patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    vision = {**shape["vision"], **patch, **common, "in_channels": 3, "in_chans": 3}
    vision["out_hidden_size"] = shape["text"]["hidden_size"]
    marks = {"image_token_id": image, "video_token_id": words - 2}
    marks.update(tied, vision_start_token_id=start, vision_end_token_id=end)
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, **marks))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]) if len(sys.argv) > 5 else 1)
