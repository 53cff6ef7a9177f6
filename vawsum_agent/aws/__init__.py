"""The way to AWS: the only folder that imports boto3 and botocore. What leaves it is ours: typed answers, our errors."""
