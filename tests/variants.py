"""Every choice of `DiTSettings` alone, and two combinations: name -> settings."""

ALONE = {
    "RMSNorm": {"norm": "rms"},
    "QK-norm": {"qk_norm": True},
    "RoPE": {"positions": "rope"},
    "RoPE and places": {"positions": "both"},
    "SwiGLU": {"feedforward": "swiglu"},
    "cross-attention": {"prompt": "cross"},
    "in context": {"prompt": "in_context"},
    "space then time": {"attention": "factorised"},
    "adaLN": {"zero_init": False},
    "time per token": {"time": "token"},
}
TOGETHER = {
    "a modern video network": {
        "norm": "rms", "qk_norm": True, "positions": "rope", "feedforward": "swiglu", "prompt": "cross",
        "attention": "factorised", "time": "token",
    },
    "all tokens alike": {
        "norm": "rms", "qk_norm": True, "positions": "rope", "prompt": "in_context", "zero_init": False,
        "time": "token",
    },
}  # fmt: skip
VARIANTS = ALONE | TOGETHER
