#!/usr/bin/python3
"""The networks of networks.cc in PyTorch, on one thread: the same table, without the peak.

    networks_torch.py [ROUNDS]     ROUNDS (5) rows for each network; compare medians

Needs PyTorch (Debian: python3-torch and libopenblas0-pthread, without which products are slow).
"""
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# OpenBLAS 0.3.21 takes processors that it does not know for old ones and reaches a quarter of the peak.
with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
    if "avx512vl" in cpuinfo.read():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")

import torch  # noqa: E402
from torch import nn  # noqa: E402

SECONDS_OF_ROW = 0.5


def perceptron(*widths):
    layers = [nn.Flatten()]
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


NETWORKS = [("784-128-10", lambda: perceptron(784, 128, 10)),
            ("784-512-512-10", lambda: perceptron(784, 512, 512, 10)),
            ("LeNet", lenet)]


def measure(make, batch):
    torch.manual_seed(1)
    network = make()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    loss = nn.CrossEntropyLoss()
    images = torch.randn(batch, 1, 28, 28)
    labels = torch.randint(10, (batch,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(network(images), labels).backward()
        optimizer.step()

    for _ in range(3):
        step()
    begin = time.process_time()
    steps = 0
    while time.process_time() - begin < SECONDS_OF_ROW:
        step()
        steps += 1
    return batch * steps / (time.process_time() - begin)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    print(f"{'network':<16} {'batch':>5} {'images/s':>10}")
    for _ in range(rounds):
        for name, make in NETWORKS:
            for batch in (64, 256):
                print(f"{name:<16} {batch:>5} {measure(make, batch):>10.0f}", flush=True)


main()
