"""Removing what has moved, as the folder's owner: `choose` says how, a `Remover` does it.

names       what a file is called while it is in the quarantine
rename      rename(2) that never replaces
lease       the proof that nobody has a file open for writing
quarantine  the folder that a file passes on its way out, and how it gets back
deed        one removal: take in, look again, unlink or put back
direct      `DirectRemover`: this process is the owner
protocol    what is said over the socket of the owner's helper
client      `HelperRemover`: asks that helper
folders     which folders the helper may touch: those of the configuration that are its user's
helper      answers requests; listening: takes connections until nothing comes any more
"""

from vawsum_agent.images.remove.choose import choose
from vawsum_agent.images.remove.client import HelperRemover
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.removal import Outcome, Removal, Remover, RemoverError

__all__ = ["DirectRemover", "HelperRemover", "Outcome", "Removal", "Remover", "RemoverError", "choose"]
