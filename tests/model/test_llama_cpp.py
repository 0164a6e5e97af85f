"""llama.cpp itself opens the exported GGUF: the same token ids, the same next words.

Its program comes as a wheel (`xllamacpp`) and is spoken to over HTTP on loopback, as people who
run llama.cpp do.
"""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import xllamacpp

from hunmin import model

LINES = [
    "모든 국민은 법 앞에 평등하다.",
    "  두 칸 들여쓴 줄\t탭과 3.14, 그리고 2026년 11월 21일(토) 오후 3시!",
    "The speech of this country's people isn't like China's; we'll see: 1234567.",
    "def f(x):\n    return [i ** 2 for i in range(x)]  # 제곱\n\n",
    "훈민정음(訓民正音)은 世宗 28년(1446)에 반포되었다ㅋㅋㅋ ㅠㅠ 😀 가각힣",
    "<b>HTML</b> & http://127.0.0.1:8700/?q=한글#끝",
]


@pytest.fixture(scope="module", params=["dense", "experts"])
def exported(request, checkpoint, with_experts, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("models") / "f16"
    source = checkpoint if request.param == "dense" else with_experts
    model.export(source, out, name="small", license_id="cc-by-4.0", quantization="F16")
    return out


@pytest.fixture(scope="module")
def llama_cpp(exported) -> Iterator[str]:
    """Run llama.cpp's server on the exported file; give its address."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(exported / "model.gguf")
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.cpuparams.n_threads = 1
    parameters.use_jinja = True
    server = xllamacpp.Server(parameters)
    yield server.listening_address
    del server


def ask(address: str, path: str, **body: object) -> dict:
    request = urllib.request.Request(  # noqa: S310 (loopback)
        address + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 (loopback)
        return json.load(response)


def many_lines() -> list[str]:
    """Return 1,200 lines of Korean, English, code and noise, none like another."""
    return [
        f"{line} {number} {line[number % len(line) :]}" for number in range(200) for line in LINES
    ]


def test_llama_cpp_cuts_text_into_the_same_tokens(llama_cpp, exported):
    tokenizer = model.load_tokenizer(exported)

    for line in many_lines():
        theirs = ask(llama_cpp, "/tokenize", content=line, add_special=False, parse_special=False)
        assert theirs["tokens"] == tokenizer.encode(line, add_special_tokens=False).ids, line


def test_llama_cpp_renders_a_chat_as_our_template_does(llama_cpp, exported):
    messages = [
        {"role": "system", "content": "짧게 답하세요."},
        {"role": "user", "content": "안녕?"},
        {"role": "assistant", "content": "안녕하세요."},
        {"role": "user", "content": "고마워 "},
    ]

    theirs = ask(llama_cpp, "/apply-template", messages=messages)["prompt"]

    assert theirs == model.render_chat(exported, messages, add_generation_prompt=True)


@pytest.mark.parametrize("prompt", ["모든 국민은", "Because the speech", "def tokens_per_second("])
def test_llama_cpp_finds_our_next_token_the_likeliest(llama_cpp, exported, prompt):
    ids = model.load_tokenizer(exported).encode(prompt, add_special_tokens=False).ids
    with torch.no_grad():
        log_probabilities = model.load_checkpoint(exported)(torch.tensor([ids]))[0, -1].log_softmax(
            -1
        )

    answer = ask(llama_cpp, "/completion", prompt=ids, n_predict=1, temperature=0, n_probs=5)

    top = answer["completion_probabilities"][0]["top_logprobs"]
    assert top[0]["id"] == int(log_probabilities.argmax())
    for found in top:
        assert found["logprob"] == pytest.approx(float(log_probabilities[found["id"]]), abs=0.02)
