"""Counts requests in the blocks of access logs that are read to be shipped: no second pass over the file.

What is counted belongs to the batch that its lines leave in, and is stored in the transaction that books the batch: a
line counts once, whenever the process dies. It counts when CloudWatch Logs has answered for it; while that is away the
counts wait as the lines do, and come later under their own minute.
"""
