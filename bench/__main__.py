"""`make bench`: what Lepton is worth, as ratios measured side by side in one run.

Each part is a script of its own and runs in a process of its own, so that none leaves threads or memory to the next.
A part that fails does not stop the others. Name parts to run only those: `python -m bench endpoint training`.
"""

import subprocess
import sys

PARTS = {
    "endpoint": "(a) the served repository against bare ONNX Runtime and the KServe Python server",
    "compression": "(b) compressed against uncompressed, and against plain quantization alone",
    "training": "(c) training throughput against a hand-written fp32 loop",
    "first_answer": "(d) from `lepton apply` to the first answer",
}


def main() -> int:
    """Run the parts that are named, or all. The exit status is 1 when a part could not be measured."""
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {PARTS[name]}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"\nnot measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
