"""Layers: pure pairs, ``y, cache = op_forward(...)`` and ``dx, ... = op_backward(dy, cache)``."""

# ruff: noqa: F401 (imported here to be imported from here)

from minidit.layers.activations import (
    gelu_backward,
    gelu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    silu_backward,
    silu_forward,
)
from minidit.layers.attention import attention_backward, attention_forward, attention_weights
from minidit.layers.blockwise_attention import blockwise_attention_backward, blockwise_attention_forward
from minidit.layers.cross_attention import cross_attention_backward, cross_attention_forward
from minidit.layers.embedding import embedding_backward, embedding_forward
from minidit.layers.factorised_attention import factorised_attention_backward, factorised_attention_forward
from minidit.layers.feedforward import feedforward_backward, feedforward_forward
from minidit.layers.fused import (
    layernorm_modulate_backward,
    layernorm_modulate_forward,
    linear_gated_residual_backward,
    linear_gated_residual_forward,
    linear_gelu_backward,
    linear_gelu_forward,
)
from minidit.layers.linear import linear_backward, linear_forward
from minidit.layers.losses import (
    gaussian_kl_backward,
    gaussian_kl_forward,
    hinge_discriminator_backward,
    hinge_discriminator_forward,
    hinge_generator_backward,
    hinge_generator_forward,
    mse_backward,
    mse_forward,
    mse_gradient,
    reparameterize_backward,
    reparameterize_forward,
)
from minidit.layers.modulation import (
    gated_residual_backward,
    gated_residual_forward,
    modulate_backward,
    modulate_forward,
    select_backward,
    select_forward,
)
from minidit.layers.multihead_attention import (
    multihead_attention_backward,
    multihead_attention_forward,
    self_attention_backward,
    self_attention_forward,
)
from minidit.layers.neighbours import neighbours_backward, neighbours_forward
from minidit.layers.normalization import layernorm_backward, layernorm_forward
from minidit.layers.patchify import pad_to_patches, patchify, unpatchify
from minidit.layers.positions import sincos_positions
from minidit.layers.qk_norm import qk_norm_backward, qk_norm_forward
from minidit.layers.rmsnorm import (
    rmsnorm_backward,
    rmsnorm_forward,
    rmsnorm_modulate_backward,
    rmsnorm_modulate_forward,
)
from minidit.layers.rope import axial_rotation, grid_positions, rope_backward, rope_forward
from minidit.layers.softmax import softmax_backward, softmax_forward
from minidit.layers.swiglu import linear_swiglu_backward, linear_swiglu_forward, swiglu_hidden
from minidit.layers.timestep import timestep_embedding
