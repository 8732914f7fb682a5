"""Muon for the matrices inside the blocks, AdamW for everything else.

Muon (K. Jordan, 2024): momentum, then the nearest orthogonal matrix by five Newton-Schulz steps.
"""
import torch


def orthogonal(g):
    """The orthogonal matrix nearest to g, roughly: singular values end between 0.7 and 1.2."""
    x = g.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t()
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.t()
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.t() if tall else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr=0.02, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                m = state["momentum"]
                m.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(m, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


class Optimizers:
    """Both optimisers behind one learning rate that falls to nothing over the last part of the work."""

    def __init__(self, modules, rate=1.0):
        blocks, rest = [], []
        for module in modules:
            for name, p in module.named_parameters():
                if p.requires_grad:
                    (blocks if p.dim() == 2 and "blk." in name else rest).append(p)
        self.all = [Muon(blocks, lr=0.012 * rate), torch.optim.AdamW(rest, lr=2e-3 * rate, betas=(0.9, 0.98), weight_decay=0.01)]
        self.rates = [[g["lr"] for g in o.param_groups] for o in self.all]
        self.parameters = blocks + rest

    def step(self, done, warm=0.01, decay=0.4):
        """One step at `done`, the share of the work that is done (0..1)."""
        factor = min(1.0, (done + 1e-4) / warm, max(0.0, (1 - done) / decay))
        for optimizer, rates in zip(self.all, self.rates):
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * factor
            optimizer.step()
        for p in self.parameters:
            p.grad = None

    def state(self):
        return [o.state_dict() for o in self.all]

    def load(self, states):
        for o, s in zip(self.all, states):
            o.load_state_dict(s)
