"""Check that no layer mixes samples. Copy this file into your project, beside `torch_lai.py`.

`with_input_gradient` computes ∂ Σ_j y_j/∂x_i. This is k_i = ∂y_i/∂x_i only if ∂y_j/∂x_i = 0 for all
j ≠ i. BatchNorm in training mode mixes the samples of a batch, and k is wrong without an error.

    check_samples_independent(model, x[:8])  # once before training, in training mode
"""

import torch
from torch.nn.modules.module import register_module_forward_hook

from .torch_lai import with_input_gradient


def check_samples_independent(model, x):
    """Raise ValueError, with the layer's name, if y_j depends on x_i for another sample i ≠ j.

    Pass a few samples: each costs a backward pass. There is one forward pass, so dropout has one
    mask; the random state and the module's buffers are restored after it.
    """
    if len(x) < 2:
        raise ValueError(f"x: expected at least 2 samples, got {len(x)}")
    calls = []

    def record(module, inputs, output):
        output = output[0] if isinstance(output, tuple) and output else output
        calls.append((module, inputs[0] if inputs else None, output))

    buffers = [(part, part.clone()) for part in getattr(model, "buffers", tuple)()]
    devices = [x.device] if x.is_cuda else []
    with torch.random.fork_rng(devices), torch.inference_mode(False), torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        hook = register_module_forward_hook(record)
        try:
            y, k = with_input_gradient(model, x)
        finally:
            hook.remove()
            for part, before in buffers:
                part.data.copy_(before)
        if not k.isfinite().all():
            raise ValueError("model: expected a finite input gradient k, got infinity or NaN")
        if _mixes_samples(x, y):
            # a layer is called, and recorded, before the modules that contain it
            mixing = (module for module, *in_and_out in calls if _mixes_samples(*in_and_out))
            raise ValueError(
                "model: expected y_i to depend on x_i alone, but samples of the batch are mixed by "
                f"{_describe(next(mixing, None), model)}. Then `with_input_gradient` does not give "
                "∂y_i/∂x_i. Instead of BatchNorm use GroupNorm or LayerNorm, or eval mode; in "
                "attention and recurrent layers use batch_first=True"
            )
        if not k.any():
            raise ValueError(
                "model: expected an input gradient k that is not 0, got only zeros, in which no "
                "mixing can be seen. If parameters start at 0, check again after some steps"
            )


def _mixes_samples(x, y):
    """Whether some ∂y_j/∂x_i, j ≠ i, is not 0; for independent samples it is exactly 0."""
    if not all(torch.is_tensor(a) and a.requires_grad and a.ndim for a in (x, y)):
        return False
    if len(x) != len(y):
        return False  # x or y has no sample axis, or not as its first
    for j in range(len(y)):
        direction = torch.randn_like(y[j])
        gradient = torch.autograd.grad(y[j], x, direction, retain_graph=True, allow_unused=True)[0]
        if gradient is not None and (gradient[:j].any() or gradient[j + 1 :].any()):
            return True
    return False


def _describe(module, model):
    if module is None:
        return "an operation outside the modules"
    names = {part: name for name, part in getattr(model, "named_modules", tuple)()}
    mode = "training" if module.training else "eval"
    return f"{type(module).__name__} {names.get(module, '')!r} in {mode} mode"
