"""The server's process: daphne on a socket that its parent has opened. It ends when the parent does."""

import argparse
import os

from daphne.cli import CommandLineInterface

from actorqueues.runtime.supervision import end_with_parent

PATIENCE = 5.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", required=True)
    parser.add_argument("--parent-pipe", type=int, required=True)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")
    end_with_parent(options.parent_pipe, PATIENCE)
    CommandLineInterface().run(["--fd", options.fd, "--verbosity", "0", "demo_project.asgi:application"])


if __name__ == "__main__":
    main()
