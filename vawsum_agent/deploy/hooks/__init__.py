"""What a release asks for in its ``deploy.toml``, and the commands of its own that are run between the steps."""
