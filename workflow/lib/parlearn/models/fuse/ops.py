"""The few control structures that physics needs beyond element-wise torch operations.

Physics functions take and return :class:`Vars` of torch tensors (one element a tile) and use
element-wise torch operations only. The same functions run in two ways:

- eagerly, on any device and precision, differentiated by autograd;
- traced once by :mod:`parlearn.models.fuse.trace`, which writes them out as one C++ time loop.

``repeat`` and ``only_where`` are loops and branches that both ways understand. Plain Python
``for`` and ``if`` over tensors would be unrolled or lost.
"""

from types import SimpleNamespace

import torch


class Vars(SimpleNamespace):
    """Named values of one tile or many: ``v.soil_moisture``; copied, never changed in place."""

    def replace(self, **changes):
        return type(self)(**{**self.__dict__, **changes})

    def items(self):
        return self.__dict__.items()

    def map(self, function):
        """Apply a function to every value, also inside nested Vars."""
        return type(self)(
            **{
                name: value.map(function) if isinstance(value, Vars) else function(value)
                for name, value in self.__dict__.items()
            }
        )


#: the tracer that records operations at the moment, if any (see parlearn.models.fuse.trace)
active_tracer = None


def detach(values):
    """The same values without derivatives (for the search of a root)."""
    return values.map(lambda v: v.detach() if hasattr(v, "detach") else v)


def repeat(count, body, carry, steps=None):
    """``for k in range(count): carry = body(carry, steps at k)``.

    Parameters
    ----------
    body : callable (carry: Vars, step: Vars) -> Vars with the same names
    steps : Vars of tensors (..., count), optional
        What differs from one turn to the next.
    """
    steps = steps or Vars()
    if active_tracer is not None:
        return active_tracer.repeat(count, body, carry, steps)
    for k in range(count):
        carry = body(carry, steps.map(lambda v, k=k: v[..., k]))
    return carry


def only_where(mask, body, carry, context):
    """``body(carry, context)`` for the elements where ``mask`` holds; the others keep ``carry``.

    The body never sees the other elements, so it may take roots or logarithms that they would not
    allow.
    """
    if active_tracer is not None:
        return active_tracer.only_where(mask, body, carry, context)
    index = mask.nonzero().squeeze(-1)
    if index.numel() == 0:
        return carry
    if index.numel() == mask.numel():
        return body(carry, context)

    def pick(value):
        return value.index_select(0, index) if torch.is_tensor(value) and value.dim() else value

    changed = body(carry.map(pick), context.map(pick))
    return Vars(
        **{
            name: value.index_copy(0, index, getattr(changed, name).to(value.dtype))
            for name, value in carry.items()
        }
    )
