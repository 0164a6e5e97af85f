"""The GGUF file: what is read back is what was written, down to the rounding of its format."""

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from hunmin import model
from hunmin.manifest import manifest_sha256
from hunmin.model.gguf_writer import gguf_name, tensor_type


def read(path):
    """Return the fields and tensors of a GGUF file, tensors as float32 arrays."""
    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {
        tensor.name: (
            tensor.tensor_type,
            gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(
                tensor.shape[::-1].tolist()
            ),
        )
        for tensor in reader.tensors
    }
    return fields, tensors


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "small"
    model.export(checkpoint, out, name="small", license_id="cc-by-4.0")
    return out


def weights_of(checkpoint):
    state = model.load_checkpoint(checkpoint).state_dict()
    return {
        gguf_name(name): tensor.numpy()
        for name, tensor in state.items()
        if name != "lm_head.weight"
    }


def test_every_weight_comes_back_within_the_rounding_of_q8(exported, checkpoint):
    _, tensors = read(exported / "model.gguf")
    expected = weights_of(checkpoint)

    assert tensors.keys() == expected.keys()
    for name, (kind, found) in tensors.items():
        assert kind == (Type.F32 if found.ndim == 1 else Type.Q8_0)
        blocks = np.abs(expected[name].reshape(-1, 32)).max(axis=1, keepdims=True)
        allowed = blocks / 127 * 0.51 + blocks * 2e-3  # half a step, and a scale stored in F16
        difference = np.abs(found.reshape(-1, 32) - expected[name].reshape(-1, 32))
        assert (difference <= allowed).all(), name


def test_f16_is_exact_to_half_precision(checkpoint, tmp_path):
    model.export(checkpoint, tmp_path / "out", name="out", quantization="F16")
    fields, tensors = read(tmp_path / "out/model.gguf")

    assert fields["general.file_type"] == gguf.LlamaFileType.MOSTLY_F16
    for name, expected in weights_of(checkpoint).items():
        kind, found = tensors[name]
        wanted = expected if kind == Type.F32 else expected.astype(np.float16)
        assert np.array_equal(found, wanted.astype(np.float32)), name


def test_rows_that_q8_cannot_hold_are_stored_as_f16(make_checkpoint, tmp_path):
    odd = make_checkpoint(width=48, head_width=32, feed_forward_width=80, tied_embeddings=False)
    model.export(odd, tmp_path / "out", name="out")
    _, tensors = read(tmp_path / "out/model.gguf")

    kinds = {name: kind for name, (kind, _) in tensors.items()}
    assert kinds["blk.0.attn_q.weight"] == Type.F16  # rows of 48
    assert kinds["blk.0.ffn_down.weight"] == Type.F16  # rows of 80
    assert kinds["blk.0.attn_output.weight"] == Type.Q8_0  # rows of 64
    assert kinds["output.weight"] == Type.F16
    assert kinds["output_norm.weight"] == Type.F32


def test_the_experts_of_a_layer_are_one_tensor_in_their_order(with_experts, tmp_path):
    model.export(with_experts, tmp_path / "out", name="out", quantization="F16")
    fields, tensors = read(tmp_path / "out/model.gguf")
    state = model.load_checkpoint(with_experts).state_dict()

    assert fields["general.architecture"] == "qwen3moe"
    told = {key.removeprefix("qwen3moe."): value for key, value in fields.items()}
    assert told["expert_count"] == 12
    assert told["expert_used_count"] == 3
    assert told["expert_feed_forward_length"] == 64
    for layer in range(2):
        stem = f"model.layers.{layer}.mlp"
        for kind in ("gate", "up", "down"):
            stored, found = tensors[f"blk.{layer}.ffn_{kind}_exps.weight"]
            assert stored == Type.F16
            for number, one in enumerate(found):
                expected = state[f"{stem}.experts.{kind}_proj"][number]
                assert np.array_equal(one, expected.half().float().numpy())
        stored, found = tensors[f"blk.{layer}.ffn_gate_inp.weight"]
        assert stored == Type.F32
        assert np.array_equal(found, state[f"{stem}.gate.weight"].numpy())
    assert not [name for name in tensors if "ffn_up.weight" in name]


def test_the_shape_is_told_as_llama_cpp_reads_it(exported):
    fields, _ = read(exported / "model.gguf")

    assert fields["general.architecture"] == "qwen3"
    told = {key.removeprefix("qwen3."): v for key, v in fields.items() if key.startswith("qwen3.")}
    assert told == {
        "context_length": 256,
        "embedding_length": 64,
        "block_count": 2,
        "feed_forward_length": 96,
        "attention.head_count": 2,
        "attention.head_count_kv": 1,
        "attention.key_length": 32,
        "attention.value_length": 32,
        "rope.dimension_count": 32,
        "rope.freq_base": 10_000.0,
        "attention.layer_norm_rms_epsilon": pytest.approx(1e-6),
        "vocab_size": 768,
    }


def test_the_tokenizer_is_told_as_llama_cpp_reads_it(exported, tokenizer_folder):
    fields, _ = read(exported / "model.gguf")
    tokenizer = model.load_tokenizer(tokenizer_folder)

    assert fields["tokenizer.ggml.model"] == "gpt2"
    assert fields["tokenizer.ggml.pre"] == "llama-bpe"
    assert fields["tokenizer.ggml.tokens"] == [tokenizer.id_to_token(n) for n in range(768)]
    assert fields["tokenizer.ggml.token_type"] == [3] * 256 + [1] * 512
    assert len(fields["tokenizer.ggml.merges"]) == 768 - 256 - 256
    assert fields["tokenizer.ggml.add_bos_token"] is False
    assert fields["tokenizer.ggml.eos_token_id"] == model.IM_END_ID
    assert fields["tokenizer.ggml.eot_token_id"] == model.IM_END_ID
    assert fields["tokenizer.ggml.padding_token_id"] == model.PAD_ID
    assert (
        fields["tokenizer.chat_template"] == (tokenizer_folder / "chat_template.jinja").read_text()
    )


def test_the_file_names_its_license_and_its_checkpoint(exported, checkpoint):
    fields, _ = read(exported / "model.gguf")

    assert fields["general.name"] == "small"
    assert fields["general.license"] == "cc-by-4.0"
    assert fields["general.languages"] == ["ko", "en"]
    assert fields["hunmin.checkpoint.manifest_sha256"] == manifest_sha256(checkpoint)
    assert fields["general.sampling.temp"] == pytest.approx(0.3)


def test_in_four_bits_the_layers_take_half_and_the_vocabulary_keeps_eight(
    checkpoint, exported, tmp_path
):
    model.export(checkpoint, tmp_path / "out", name="out", quantization="Q4_0")

    _, tensors = read(tmp_path / "out" / "model.gguf")
    _, in_eight = read(exported / "model.gguf")
    expected = weights_of(checkpoint)
    assert tensors["token_embd.weight"][0] == Type.Q8_0
    for name, (kind, found) in tensors.items():
        if found.ndim == 1 or name == "token_embd.weight":
            assert (found == in_eight[name][1]).all()
            continue
        assert kind == Type.Q4_0
        blocks = np.abs(expected[name].reshape(-1, 32)).max(axis=1, keepdims=True)
        difference = np.abs(found.reshape(-1, 32) - expected[name].reshape(-1, 32))
        assert (difference <= blocks / 8 * 1.01).all(), name


@given(
    shape=st.lists(st.integers(1, 300), min_size=1, max_size=2).map(tuple),
    quantization=st.sampled_from(["Q8_0", "Q4_0", "F16"]),
    name=st.sampled_from(["blk.0.ffn_up.weight", "token_embd.weight", "output.weight"]),
)
def test_a_tensor_s_type_always_fits_its_rows(shape, quantization, name):
    kind = tensor_type(name, shape, quantization)
    block, _ = gguf.GGML_QUANT_SIZES[kind]

    assert shape[-1] % block == 0
    assert (kind == Type.F32) == (len(shape) == 1)
    assert kind != Type.Q4_0 or name.startswith("blk.")
