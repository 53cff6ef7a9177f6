"""``python -m vawsum_agent``."""

from vawsum_agent.cli.main import main

if __name__ == "__main__":
    main()
