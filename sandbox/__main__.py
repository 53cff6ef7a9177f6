"""`python -m sandbox serve` and `python -m sandbox demo`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local AWS and a local web host.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the local AWS; prints one JSON line with its addresses")
    serve.add_argument("--port", type=int, default=0, help="the front's port; 0 takes a free one")
    serve.add_argument("--tls", action="store_true", help="listen with TLS, too")
    serve.add_argument(
        "--enforce-policy",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="IAM policy to enforce; repeatable",
    )
    serve.add_argument(
        "--deny", action="append", default=[], metavar="ACTION", help="deny an action, whatever the policy"
    )
    serve.add_argument("--no-moto", action="store_true", help="only what the front carries out itself")
    serve.add_argument("--seed", type=int, default=1, help="of all dice")
    serve.add_argument("--until-stdin-closes", action="store_true", help="stop when stdin is closed")
    demo = commands.add_parser("demo", help="show the daemon at work on the sandbox, and prove what arrived")
    demo.add_argument(
        "--scene",
        action="append",
        default=[],
        choices=["logs", "metrics", "images", "backup", "deploys"],
        help="play this scene only",
    )
    return parser


def main() -> int:
    """Run a command and return the exit code."""
    arguments = _parser().parse_args()
    return _demo(arguments) if arguments.command == "demo" else _serve(arguments)


# Each command loads only what it needs: tests of logs want the service within a second.


def _demo(arguments: argparse.Namespace) -> int:
    from sandbox.demo.play import play  # noqa: PLC0415

    return play(arguments.scene)


def _serve(arguments: argparse.Namespace) -> int:
    from sandbox.aws.serve import Options, serve  # noqa: PLC0415

    serve(
        Options(
            port=arguments.port,
            has_tls=arguments.tls,
            policies=tuple(arguments.enforce_policy),
            deny=tuple(arguments.deny),
            has_moto=not arguments.no_moto,
            seed=arguments.seed,
            ends_with_stdin=arguments.until_stdin_closes,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
