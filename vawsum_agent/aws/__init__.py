"""The way to AWS: the only folder that imports boto3 and botocore. What leaves it is ours: answers and errors."""
