# SPDX-License-Identifier: BSD-3-Clause
"""Trajectories of torch.optim and of torch's schedules, as plain text that kernel tests can read.

A line is a word and numbers that read back as the same doubles; '#' begins a comment. First-order
optimisers: the gradient that a step was given and the parameters after it, so that a replay needs no
model. L-BFGS: the problem's data, and parameters, loss and counters after each outer step.
"""
import pathlib

import torch

STEPS = 40


def rosenbrock(x, steepness=100.0):
    """Sum of (1 - x_i)^2 + steepness (x_{i+1} - x_i^2)^2."""
    return ((1 - x[:-1]) ** 2).sum() + steepness * ((x[1:] - x[:-1] ** 2) ** 2).sum()


FIRST_ORDER = {  # name: optimiser, options, halve the rate every n steps (0: never)
    "adam": ("adam", dict(lr=0.05), 0),
    "adam_betas": ("adam", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3), 10),
    "adam_l2": ("adam", dict(lr=0.05, weight_decay=0.1), 0),
    "adamw": ("adamw", dict(lr=0.05, weight_decay=0.1), 15),
    "sgd": ("sgd", dict(lr=0.01), 0),
    "sgd_momentum": ("sgd", dict(lr=0.005, momentum=0.9), 0),
    "sgd_nesterov": ("sgd", dict(lr=0.005, momentum=0.8, nesterov=True), 10),
    "sgd_l2": ("sgd", dict(lr=0.01, weight_decay=0.2), 0),
    "sgd_nesterov_l2": ("sgd", dict(lr=0.004, momentum=0.9, nesterov=True, weight_decay=0.05), 0),
}
CLASSES = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


class Text:
    def __init__(self, comment):
        self.lines = [f"# {comment}", f"# torch {torch.__version__} (Debian 1.13.1), float64, one thread"]

    def put(self, word, *values):
        self.lines.append(f"{word} {numbers(values)}".rstrip())

    def write(self, path):
        path.write_text("\n".join(self.lines) + "\n")


def first_order(folder):
    for name, (kind, options, halve) in FIRST_ORDER.items():
        torch.manual_seed(11)
        x = torch.randn(6, dtype=torch.float64, requires_grad=True)
        optimiser = CLASSES[kind]([x], **options)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, halve or 10 ** 9, 0.5)
        out = Text(f"torch.optim.{CLASSES[kind].__name__}: gradient of a step, parameters after it")
        out.lines.append(f"kind {'adam' if kind != 'sgd' else 'sgd'}")
        defaults = optimiser.defaults
        if kind == "sgd":
            out.put("momentum", defaults["momentum"])
            out.put("nesterov", defaults["nesterov"])
        else:
            out.put("betas", *defaults["betas"])
            out.put("eps", defaults["eps"])
            out.put("decoupled", kind == "adamw")
        out.put("weight_decay", defaults["weight_decay"])
        out.put("initial", *x.tolist())
        for _ in range(STEPS):
            optimiser.zero_grad()
            rosenbrock(x, 5.0).backward()
            out.put("rate", optimiser.param_groups[0]["lr"])
            out.put("gradient", *x.grad.tolist())
            optimiser.step()
            schedule.step()
            out.put("parameters", *x.tolist())
        out.write(folder / f"{name}.txt")


def lbfgs_problems():
    """name: (loss of x, start, data that the loss needs)."""
    generator = torch.Generator().manual_seed(5)
    normal = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=generator)
    a, b = normal(30, 8), normal(30)
    scale = torch.tensor([1.0, 3.0, 0.1, 1.0, 0.3, 2.0], dtype=torch.float64)
    features, weights = normal(40, 6) * scale, normal(6)
    labels = torch.sign(features @ weights + 2 * normal(40))

    def least_squares(x):
        return ((a @ x - b) ** 2).sum() / 2

    def logistic(x):
        return torch.nn.functional.softplus(-labels * (features @ x)).mean() + 1e-3 * (x * x).sum()

    start10 = torch.tensor([-1.2, 1.0] * 5, dtype=torch.float64)
    return {"rosenbrock2": (rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64), {}),
            "rosenbrock6": (rosenbrock, start10[:6], {}),
            "rosenbrock10": (rosenbrock, start10, {}),
            "least_squares": (least_squares, normal(8), {"matrix": a, "right": b}),
            "logistic": (logistic, normal(6), {"matrix": features, "right": labels})}


# Ten Rosenbrock dimensions and the default options are left out: one unit in the last place of the start
# grows to 3e-7 in three outer steps of torch itself.
LBFGS = {  # name: problem, outer steps, options
    "lbfgs_rosenbrock2": ("rosenbrock2", 45, dict(max_iter=1)),
    "lbfgs_rosenbrock2_steps": ("rosenbrock2", 4, dict()),
    "lbfgs_rosenbrock6": ("rosenbrock6", 5, dict()),
    "lbfgs_rosenbrock10_history3": ("rosenbrock10", 40, dict(max_iter=1, history_size=3)),
    "lbfgs_least_squares": ("least_squares", 30, dict(max_iter=1)),
    "lbfgs_logistic": ("logistic", 30, dict(max_iter=1)),
    "lbfgs_logistic_rate": ("logistic", 3, dict(lr=0.5, max_iter=10, max_eval=30)),
}


def outer_steps(function, start, steps, options):
    """The optimiser, and after each outer step (n_iter, func_evals, loss, parameters)."""
    x = start.clone().requires_grad_(True)
    optimiser = torch.optim.LBFGS([x], line_search_fn="strong_wolfe", **options)

    def closure():
        optimiser.zero_grad()
        loss = function(x)
        loss.backward()
        return loss

    after = []
    for _ in range(steps):
        optimiser.step(closure)
        state = optimiser.state[x]
        after.append((state["n_iter"], state["func_evals"], function(x).item(), x.detach().clone()))
    return optimiser, after


def lbfgs(folder):
    problems = lbfgs_problems()
    for name, (problem, steps, options) in LBFGS.items():
        function, start, data = problems[problem]
        optimiser, after = outer_steps(function, start, steps, options)
        _, nearby = outer_steps(function, start * (1 + 2.0 ** -52), steps, options)
        drift = max((a[3] - b[3]).abs().max().item() for a, b in zip(after, nearby))
        assert drift < 1e-9, f"{name} is chaotic: {drift}"
        out = Text("torch.optim.LBFGS, strong_wolfe: after each outer step")
        out.lines.append(f"# a start one unit in the last place away changes parameters by {drift:.0e}")
        out.lines.append(f"problem {problem.rstrip('0123456789')}")
        for key in ("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size"):
            out.put(key, optimiser.defaults[key])
        for key, value in data.items():
            out.put(key, *value.flatten().tolist())
        out.put("initial", *start.tolist())
        for iterations, evaluations, loss, parameters in after:
            out.put("iterations", iterations)
            out.put("evaluations", evaluations)
            out.put("loss", loss)
            out.put("parameters", *parameters.tolist())
        out.write(folder / f"{name}.txt")


def schedules(folder):
    out = Text("torch.optim.lr_scheduler: rates of steps 0, 1, ..")
    schedulers = torch.optim.lr_scheduler
    for name, base, make in (
            ("step", 0.3, lambda o: schedulers.StepLR(o, 7, 0.5)),
            ("cosine", 0.3, lambda o: schedulers.CosineAnnealingLR(o, 30, eta_min=1e-6)),
            ("warm_up", 0.3, lambda o: schedulers.LinearLR(o, 1 / 8, 1.0, 7))):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
        schedule = make(optimiser)
        rates = []
        for _ in range(30):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        out.put(name, *rates)
    generator = torch.Generator().manual_seed(3)
    gradient = torch.randn(9, dtype=torch.float64, generator=generator)
    out.put("clip_gradient", *gradient.tolist())
    for limit in (0.5, 100.0):
        x = torch.zeros(9, dtype=torch.float64, requires_grad=True)
        x.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_([x], limit)
        out.put("clip", limit, norm, *x.grad.tolist())
    out.write(folder / "schedules.txt")


def write(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    first_order(folder)
    lbfgs(folder)
    schedules(folder)
