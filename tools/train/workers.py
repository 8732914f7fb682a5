"""Runs a training stage in several processes of one thread each: on a CPU nothing is shared but the sum of the gradients, once a step.

A process of one thread has no barrier inside a step, so that it loses little when the machine does other work.
"""
import os
import sys

ENVIRONMENT = {
    "ATEN_CPU_CAPABILITY": "avx512",               # Debian's PyTorch takes AVX2 unless told otherwise
    "MALLOC_MMAP_THRESHOLD_": "1073741824",        # keep big buffers: fresh pages cost more than the arithmetic
    "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "268435456", "OMP_NUM_THREADS": "1",
}


def with_environment():
    """Starts the program anew with the settings above, which only count before PyTorch and the allocator start."""
    flags = open("/proc/cpuinfo").read() if os.path.exists("/proc/cpuinfo") else ""
    wanted = {k: v for k, v in ENVIRONMENT.items() if k not in os.environ and (k[0] != "A" or "avx512bw" in flags)}
    if wanted and "TRAIN_STARTED" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted, "TRAIN_STARTED": "1"})


class Alone:
    """One process: nothing to share."""
    rank, count = 0, 1

    def share(self, parameters):
        pass


class Together:
    """One of several processes."""

    def __init__(self, rank, count):
        import torch.distributed as distributed
        self.rank, self.count, self._distributed = rank, count, distributed

    def share(self, parameters):
        """Makes every process's gradients their mean."""
        import torch
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in grads])
        self._distributed.all_reduce(flat)
        flat /= self.count
        at = 0
        for g in grads:
            g.copy_(flat[at:at + g.numel()].view_as(g))
            at += g.numel()


def _start(rank, count, port, stage, arguments):
    import torch
    import torch.distributed as distributed
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count)
    stage(Together(rank, count), *arguments)
    distributed.barrier()


def run(stage, arguments, count):
    """Calls stage(workers, *arguments) in `count` processes."""
    import socket

    import torch
    if count == 1:
        return stage(Alone(), *arguments)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    torch.multiprocessing.spawn(_start, (count, port, stage, arguments), nprocs=count)
