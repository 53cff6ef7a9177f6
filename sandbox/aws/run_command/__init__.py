"""Run Command of Systems Manager: documents, commands, and the hosts that carry them out.

documents    what a document must hold, and which parameters it takes
invocations  a command, what became of it on each host, and when the next host gets it
board        all documents and commands, and what hosts fetch and report
service      the API
"""
