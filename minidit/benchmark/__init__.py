"""How fast it is: our training step and sampling against PyTorch's and against matrix products alone."""
