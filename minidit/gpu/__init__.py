"""Around the GPU: what a training step asks of it, whether it computes right, and how fast."""
