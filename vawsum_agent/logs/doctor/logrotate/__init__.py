"""What logrotate is configured to do with followed files: reading its configuration, and what can lose lines there."""
