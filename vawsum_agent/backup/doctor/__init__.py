"""What will go wrong with the backups, found without a running daemon; every finding has a remedy."""
