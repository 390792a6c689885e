"""Generator and discriminator, trained in turn (Sun et al. 2024, sections 2.1.1 and 2.1.2)."""

import torch
from torch import Tensor, nn

from parlearn.learn.maps import MapLearner
from parlearn.metrics.ensemble import crps
from parlearn.networks.convolution import Discriminator
from parlearn.study.tensors import FORCING

#: of Adam (section 3.2)
BETAS = (0.5, 0.999)


def range_loss(values: Tensor, lower: Tensor | float = 0.0, upper: Tensor | float = 1.0) -> Tensor:
    """L_R (eq. 2): mean excess of what lies above its bound, plus that of what lies below.

    values : any shape; lower, upper : scalars or of a shape that fits.
    """
    total = values.new_zeros(())
    for beyond in (values - upper, lower - values):
        count = (beyond > 0).sum()
        total = total + beyond.relu().sum() / count.clamp_min(1)
    return total


class Adversaries(nn.Module):
    """Generator and discriminator, each with its own Adam, trained in turn.

    Without a discriminator the generator learns from the absolute error alone. Where the generator
    draws members, their CRPS stands in its place, which of one member is the absolute error; and
    the discriminator is shown one of them each day.
    """

    def __init__(self, learner: MapLearner, settings, adversarial: bool):
        super().__init__()
        self.learner, self.settings = learner, settings
        shape = learner.study.grid.shape
        channels = len(FORCING) + len(settings.targets) + 1
        self.discriminator = (
            Discriminator(channels, shape, settings.hidden) if adversarial else None
        )
        rate = settings.learning_rate
        self.optimizers = [torch.optim.Adam(learner.network.parameters(), rate, BETAS)]
        if adversarial:
            self.optimizers.append(torch.optim.Adam(self.discriminator.parameters(), rate, BETAS))
        weights = torch.tensor([settings.targets[name] for name in settings.targets])
        self.register_buffer("weights", weights / weights.sum(), persistent=False)

    def step(self, cells: Tensor, days: slice) -> dict[str, float] | None:
        """Run ``days`` once, train the discriminator on them, then the generator.

        Returns losses and the discriminator's accuracies; None where nothing was observed.
        """
        fields = self.learner.drawn()
        runs = [self.learner.standardised(one.clamp(0, 1), cells, days) for one in fields]
        observed, seen = runs[0][1:]
        if not seen.any():
            return None
        members = torch.stack([run[0] for run in runs])
        number = seen.sum((1, 2)).clamp_min(1)
        error = (self.weights * crps(members, observed).sum((1, 2)) / number).sum()
        beyond = range_loss(fields)
        loss = self.settings.lambda_l * error + self.settings.lambda_r * beyond
        noted = {"absolute_error": float(error.detach()), "range_loss": float(beyond.detach())}
        if self.discriminator is not None:
            simulated = _one_a_day(members)
            context, of_simulated, of_observed = self._maps(simulated, observed, seen, cells, days)
            batches = torch.randperm(len(context)).tensor_split(
                max(round(len(context) / self.settings.batch), 1)
            )
            noted |= self._train_discriminator(context, of_simulated.detach(), of_observed, batches)
            self.discriminator.requires_grad_(False)
            answers = [self._judge(context[some], of_simulated[some]) for some in batches]
            self.discriminator.requires_grad_(True)
            adversarial = (torch.cat(answers) - 1).square().mean()
            noted["adversarial_loss"] = float(adversarial.detach())
            loss = loss + adversarial
        self.optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        weights = self.learner.network.parameters()
        nn.utils.clip_grad_norm_(weights, torch.inf, error_if_nonfinite=True)
        self.optimizers[0].step()
        return {"loss": float(loss.detach()), **noted}

    def _maps(self, simulated, observed, seen, cells, days):
        """Weather and mask, simulated and observed maps of the days with any observation."""
        whole = [self.learner.of_days(x, cells) for x in (simulated, observed)]
        mask = self.learner.of_days(seen.any(0, keepdim=True).float(), cells)
        some = mask.flatten(1).any(1)
        context = torch.cat([self.learner.weather(days), mask], 1)
        return context[some], whole[0][some], whole[1][some]

    def _judge(self, context: Tensor, maps: Tensor) -> Tensor:
        return self.discriminator(torch.cat([context, maps], 1))

    def _train_discriminator(self, context, simulated, observed, batches) -> dict[str, float]:
        losses, right = [], []
        for some in batches:
            real = self._judge(context[some], observed[some])
            made = self._judge(context[some], simulated[some])
            loss = (real - 1).square().mean() + made.square().mean()
            self.optimizers[1].zero_grad(set_to_none=True)
            loss.backward()
            self.optimizers[1].step()
            losses.append(loss.detach())
            right.append(torch.stack([(real > 0.5).float().mean(), (made < 0.5).float().mean()]))
        accuracy = torch.stack(right).mean(0).tolist()
        return {
            "discriminator_loss": float(torch.stack(losses).mean()),
            "accuracy_observed": accuracy[0],
            "accuracy_simulated": accuracy[1],
        }


def _one_a_day(members: Tensor) -> Tensor:
    """Of members (member, target, n, day) one each day, drawn at random."""
    if len(members) == 1:
        return members[0]
    which = torch.randint(len(members), (members.shape[-1],), device=members.device)
    return members.movedim(-1, 1)[which, torch.arange(len(which), device=which.device)].movedim(
        0, -1
    )


class Both:
    """Two optimizers as one, for checkpoints."""

    def __init__(self, optimizers):
        self.optimizers = optimizers

    def state_dict(self) -> dict:
        return {"each": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict) -> None:
        for optimizer, own in zip(self.optimizers, state["each"], strict=True):
            optimizer.load_state_dict(own)
