"""From a dump to a backup that exists: the gate, the manifest, what is verified, what may expire."""
